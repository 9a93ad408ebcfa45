"""Faces: load and divide them."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from facslens.datasets.base import Faces


def load_faces(spec: str = "synthetic") -> "Faces":
    """Load the faces of a dataset.

    Parameters
    ----------
    spec
        ``NAME[:PATH][,key=value…]``, as the command line's ``--data`` takes it: for example
        ``ck48:PATH/TO/ck48``. `facslens.datasets.layouts.LAYOUTS` has every layout. Without it, the
        drawn faces in the package.

    Raises
    ------
    CallError
        If it names no layout, or a key that the layout does not have.
    DataError
        If the dataset has an error.
    """
    from facslens.datasets.load import load as read_faces

    return read_faces(spec)


#: The name that `load_faces` had in the first version.
load = load_faces


def split(faces: "Faces", seed: int = 0) -> "Faces":
    """Divide the faces into training, validation and test faces, no subject in two of them.

    Parameters
    ----------
    faces
        Of known subjects.
    seed
        Of the choice of subjects.

    Returns
    -------
    Faces
        The same faces with a split column, as `facslens.datasets.splits.holdout` makes it.
    """
    from facslens.datasets.splits import holdout

    return faces.with_split(holdout(faces, seed))
