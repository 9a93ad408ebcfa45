"""A section of the page that cannot be written yet."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Missing:
    """A section that cannot be written yet: what is not there, and what makes it.

    Without a command nothing is to make it, and the section is left out.
    """

    what: str = ""
    command: str = ""
