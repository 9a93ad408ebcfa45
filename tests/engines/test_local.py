import os
import signal

import pytest

from facslens.engines.local import Local
from facslens.errors import DataError, FacslensError


def square(item, seen):
    seen(1)
    return item**2, os.getpid()


def broken(item, _seen):
    raise DataError(f"the face of {item} is broken")


def killed(_item, _seen):
    os.kill(os.getpid(), signal.SIGKILL)


def test_this_process_tells_how_far_it_is():
    counts = []
    found = list(Local().map(square, range(4), counts.append))
    assert found == [(n**2, os.getpid()) for n in range(4)]
    assert counts == [1] * 4


def test_several_processes_give_the_results_in_order():
    asked = []
    found = list(Local(2).map(square, (asked.append(n) or n for n in range(9))))
    assert [value for value, _ in found] == [n**2 for n in range(9)]
    assert os.getpid() not in {process for _, process in found}


def test_errors_come_back_and_a_killed_process_is_named():
    with pytest.raises(DataError, match="the face of 5 is broken"):
        list(Local(2).map(broken, [5, 6]))
    with pytest.raises(FacslensError, match="a process that worked beside this one was killed"):
        list(Local(2).map(killed, [5]))
