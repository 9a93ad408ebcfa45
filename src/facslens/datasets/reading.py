"""The result of reading a dataset: its rows, and the defects that were found."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import pandas as pd

from facslens.datasets.base import Faces, make_table
from facslens.datasets.coding import Coding
from facslens.datasets.defects import Defect
from facslens.errors import DataError


@dataclass(frozen=True)
class Reading:
    """What could be read of a dataset; readers collect defects and continue.

    Parameters
    ----------
    name
        Short name of the dataset.
    rows
        One row per image, with the columns of a Faces table that the layout knows. Rows and values
        with a defect are left out or unknown here, so that the rest remains usable.
    defects
        What is wrong, in the order in which it was found.
    assume_independent
        Whether faces of unknown subjects are to be taken for different people.
    codings
        Who coded each column of action units; none for a column of which nobody says it.
    by
        What the sequences were asked to count for, one of `facslens.datasets.frames.WAYS`, or None.
    """

    name: str
    rows: pd.DataFrame
    defects: tuple[Defect, ...] = ()
    assume_independent: bool = False
    codings: Mapping[str, Coding] = field(default_factory=dict)
    by: str | None = None

    def faces(self, *, strict: bool = True) -> Faces:
        """Give the Faces table; its notes are the messages of the warnings.

        Parameters
        ----------
        strict
            False ignores errors and gives what could be read.

        Raises
        ------
        DataError
            If there is an error among the defects: the first, and how many more.
        """
        errors = [d for d in self.defects if d.level == "error"]
        if errors and strict:
            more = len(errors) - 1
            rest = f" (and {more} more: `facslens data check` lists them all)" if more else ""
            raise DataError(f"{self.name}: {errors[0].message}{rest}")
        rows = self.rows if len(self.rows) else pd.DataFrame({"image": [], "path": []})
        notes = tuple(d.message for d in self.defects if d.level == "warning")
        faces = Faces(make_table(rows), self.name, notes, self.codings, self.by)
        return faces.assume_independent() if self.assume_independent else faces
