"""A network that has learned who is shown, from the very faces that another learned from."""

from pathlib import Path
from typing import Final

from facslens.datasets.base import Faces
from facslens.datasets.splits import DISCOVERY, one_sequence_each
from facslens.errors import NotEnoughDataError
from facslens.models.model import Model
from facslens.progress import Report, silent
from facslens.training.fit import Training, fit
from facslens.training.lesson import Lesson
from facslens.training.recipe import Recipe

#: So many people have to be shown in more than one sequence.
MIN_PEOPLE: Final = 5


def people(faces: Faces, seed: int) -> Lesson:
    """Make the lesson of telling who is shown, from the faces of a run's lesson.

    The classes are the people of the training and the validation part. The parts of a run have no
    person in common, so the epoch cannot be chosen on its validation part here: instead whole
    sequences are held out, as many faces as the validation part has, of people who are learned
    from their other sequences. So as many faces are learned from as by the run's own network. The
    confirmation part is not looked at.

    Parameters
    ----------
    faces
        Of the run, with its split column; those without an expression or a subject are left out.
    seed
        Chooses the sequences.

    Raises
    ------
    NotEnoughDataError
        If fewer than `MIN_PEOPLE` people are shown in more than one sequence.
    """
    known = faces.table[["expression", "subject"]].notna().all(axis=1).to_numpy()
    shown = faces.where(known).part(*DISCOVERY)
    subjects = shown.table["subject"]
    often = subjects[one_sequence_each(shown, seed, len(shown))].nunique()
    if often < MIN_PEOPLE:
        raise NotEnoughDataError(
            f"{faces.name} shows {often} of the {subjects.nunique()} people of the training and "
            f"validation parts in more than one sequence: to learn who is shown, at least "
            f"{MIN_PEOPLE} are needed of whom one can be held out"
        )
    held = one_sequence_each(shown, seed, len(shown.part("validation")))
    classes = tuple(sorted(subjects.unique()))
    return Lesson(shown.where(~held), shown.where(held), "subject", classes)


def identity(
    faces: Faces,
    model: Model,
    recipe: Recipe,
    seed: int,
    *,
    init: Model | None = None,
    folder: Path | None = None,
    progress: Report = silent,
) -> Training:
    """Train the same architecture to tell who is shown, in all else like the trained network.

    What such a network's units detect was learned from faces, but not from expressions. It parts
    the two, as neither an untrained network nor one trained on shuffled labels does: the one has
    learned nothing, and the other what no face shows.

    Parameters
    ----------
    faces
        Of the run, with its split column.
    model
        The run's network.
    recipe, seed, init
        With which it was trained.
    folder, progress
        As `facslens.training.fit.fit` takes them.

    Returns
    -------
    Training
        The model's classes are people. In the history, ``validation`` are the held-out sequences.

    Raises
    ------
    NotEnoughDataError
        If there are too few people, see `people`.
    """
    return fit(
        faces,
        architecture=model.architecture,
        size=model.size,
        seed=seed,
        recipe=recipe,
        init=init,
        lesson=people(faces, seed),
        folder=folder,
        progress=progress,
    )
