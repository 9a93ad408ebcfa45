"""What can go wrong, in the few kinds that a caller can act on.

Every message is one sentence that names the thing, what it was, and what was needed.
"""

from facslens.names import one_line


class FacslensError(Exception):
    """Base of all errors that facslens raises on purpose; the command line exits with 1.

    Parameters
    ----------
    message
        The sentence; names of files in it are made printable.
    """

    def __init__(self, message: str) -> None:
        super().__init__(one_line(message))


class CallError(FacslensError, ValueError):
    """The call itself was wrong: an argument, a name, a specification; exits with 2."""


class DataError(FacslensError, ValueError):
    """The data on disk is not what it has to be: a broken image, an impossible label."""


class ArtifactError(FacslensError, ValueError):
    """A file of a run is missing, damaged, or from another version."""


class NotEnoughDataError(FacslensError, ValueError):
    """The data is sound but too small for what was asked."""


class LabelsFixedError(NotEnoughDataError):
    """No label can change places with another, so that there is no null to hold against."""
