"""Whose turn it is: by threads that tell when they have the run."""

import threading
import time

import pytest

from facslens.explorer.turns import Ended, Turns


def start(work) -> threading.Thread:
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


def until(true) -> None:
    for _ in range(500):
        if true():
            return
        time.sleep(0.01)
    raise AssertionError("it has not come")


def test_a_request_goes_before_work_ahead_and_that_goes_on_after_it():
    turns, said, waits = Turns(), [], threading.Event()

    def ahead():
        with turns.ahead("a"):
            said.append("ahead")
            waits.wait(10)
            turns.pause()
            said.append("ahead again")

    def request():
        with turns.first("b"):
            said.append("request")

    one = start(ahead)
    until(lambda: said)
    two = start(request)
    until(lambda: turns._waiting)
    waits.set()
    one.join(10)
    two.join(10)
    assert said == ["ahead", "request", "ahead again"]


def test_who_waits_for_the_same_waits_for_work_ahead():
    turns, said, waits = Turns(), [], threading.Event()

    def ahead():
        with turns.ahead("a"):
            waits.wait(10)
            turns.pause()
            said.append("made")

    def request():
        with turns.first("a"):
            said.append("request")

    one = start(ahead)
    until(lambda: turns._holder)
    two = start(request)
    until(lambda: turns._waiting)
    waits.set()
    one.join(10)
    two.join(10)
    assert said == ["made", "request"]


def test_work_ahead_waits_while_something_else_is_answered():
    turns, said = Turns(), []

    def ahead():
        with turns.ahead("a"):
            said.append("ahead")

    with turns.elsewhere():
        one = start(ahead)
        time.sleep(0.05)
        assert said == []
        with turns.first("b"):  # which a request has at once
            assert said == []
    one.join(10)
    assert said == ["ahead"]


def test_the_end_comes_at_the_next_pause():
    turns = Turns()
    with turns.ahead("a"):
        turns.pause()
        turns.end()
        with pytest.raises(Ended):
            turns.pause()
    with pytest.raises(Ended), turns.ahead("b"):
        pass
    with turns.first(), turns.first():  # free again, and one's own already
        turns.pause()  # a request is not ended


def test_an_error_gives_the_run_back():
    turns = Turns()
    with pytest.raises(ValueError, match="damaged"), turns.first("a"):
        raise ValueError("damaged")
    with turns.ahead("b"):
        pass
