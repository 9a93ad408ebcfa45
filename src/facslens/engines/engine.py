"""What does the pieces of a long piece of work, wherever that is."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from typing import ClassVar, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

#: Called with how much of a piece is done, where that is known before its end.
Seen = Callable[[int], None]


def ignore(_count: int) -> None:
    """Take no notice."""


class Engine(ABC):
    """Does pieces of work; the results do not depend on where.

    Parameters
    ----------
    far
        Whether pieces are done where the disk of this process may not be seen, so that what they
        need has to be sent along.
    """

    far: ClassVar[bool]

    @abstractmethod
    def map(
        self,
        work: Callable[[Item, Seen], Result],
        items: Iterable[Item],
        seen: Seen = ignore,
    ) -> Iterator[Result]:
        """Do a piece of work for each item, and give the results in the order of the items.

        Parameters
        ----------
        work
            What is done. It can be sent to another process, and depends on nothing but the item.
        items
            Asked for one after the other, a few ahead of the results.
        seen
            Called with how much of the next result is done, where that is known.

        Raises
        ------
        FacslensError
            As `work` does; where a process or machine was lost and the piece failed elsewhere, too.
        """
