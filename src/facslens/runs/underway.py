"""A running stage, and what it records before its end."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from facslens.artifacts import Json, sha256

if TYPE_CHECKING:  # which makes it
    from facslens.runs.folder import Run


@dataclass(frozen=True)
class Underway:
    """A running stage: what it records in ``run.json`` before its end.

    Parameters
    ----------
    run, name
        The run and the stage.
    entry
        Its entry in ``run.json``.
    """

    run: "Run"
    name: str
    entry: Json

    def note(self, **entries: object) -> None:
        """Set entries of the stage."""
        self.entry.update(entries)
        info = self.run.info
        self.run.update(stages={**info["stages"], self.name: self.entry})

    def left(self, *names: str, **entries: object) -> None:
        """Record files that the stage has written, and other entries with them.

        Raises
        ------
        ArtifactError
            If one of the files does not exist.
        """
        hashes = {name: sha256(self.run / name) for name in names}
        self.note(files={**self.entry["files"], **hashes}, **entries)
