"""How much, how many and how long."""

import asyncio
import http.client
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from starlette.exceptions import HTTPException

from facslens.server import app, limits
from facslens.server.limits import BODY, Jobs


def apart(work):
    """Run a coroutine in a thread of its own: in this one the loop of a browser may run."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, work).result()


def raw(served, *lines, body=b""):
    """Open a connection, and send the head of a picture that is to come."""
    connection = socket.create_connection(("127.0.0.1", served.port), timeout=10)
    head = [
        "POST /live/faces HTTP/1.1",
        f"Host: {served.host}",
        f"Origin: http://{served.host}",
        "Content-Type: image/png",
        *lines,
    ]
    connection.sendall("\r\n".join([*head, "", ""]).encode() + body)
    return connection


def status(connection):
    return int(connection.recv(4096).split(b" ")[1])


def test_a_body_that_is_said_to_be_too_large_is_not_waited_for(live):
    with raw(live, f"Content-Length: {BODY + 1}") as connection:
        answer = connection.recv(4096)
        assert answer.startswith(b"HTTP/1.1 413")
        assert b"A picture may have 16 MB at most." in answer + connection.recv(4096)
        assert connection.recv(1) == b""  # and the connection is closed


def test_a_body_that_grows_too_large_is_cut_off(live):
    with raw(live, "Transfer-Encoding: chunked") as connection:
        parts = (b"10000\r\n" + bytes(0x10000) + b"\r\n") * (2 * BODY // 0x10000)
        with pytest.raises((ConnectionResetError, BrokenPipeError)):
            connection.sendall(parts)


def test_a_body_that_does_not_come_is_given_up(live, monkeypatch):
    monkeypatch.setattr(app, "body_of", lambda request: limits.body_of(request, seconds=0.2))
    with raw(live, "Content-Length: 100", body=b"x") as connection:
        start = time.monotonic()
        assert status(connection) == 408
        assert 0.15 < time.monotonic() - start < 3


def test_answers_over_a_connection_that_is_kept_do_not_wait(live):
    """Without TCP_NODELAY each of them takes 40 ms more, until the head is confirmed."""
    connection = http.client.HTTPConnection("127.0.0.1", live.port, timeout=10)
    times = []
    for _ in range(30):
        start = time.perf_counter()
        connection.request("GET", "/live/live.css")
        connection.getresponse().read()
        times.append(time.perf_counter() - start)
    connection.close()
    assert sorted(times)[15] < 0.03


@pytest.mark.parametrize("sent", [b"", b"GET / HT", b"GET / HTTP/1.1\r\nHost: localhost\r\nA: "])
def test_headers_that_do_not_come_close_the_connection(run_server, monkeypatch, sent):
    monkeypatch.setattr(limits, "HEADERS_IN", 0.3)
    served = run_server()
    with socket.create_connection(("127.0.0.1", served.port), timeout=10) as connection:
        start = time.monotonic()
        connection.sendall(sent)
        assert connection.recv(100) == b""
        assert 0.2 < time.monotonic() - start < 3


def test_a_second_request_has_no_more_time_than_the_first(run_server, monkeypatch):
    monkeypatch.setattr(limits, "HEADERS_IN", 0.3)
    served = run_server()
    with socket.create_connection(("127.0.0.1", served.port), timeout=10) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert connection.recv(1000).startswith(b"HTTP/1.1 307")
        connection.sendall(b"GET /")
        assert connection.recv(100) == b""


def test_who_finds_no_place_is_told_to_come_again():
    async def all_at_once():
        jobs, gate = Jobs(threads=1, places=2), threading.Event()

        async def one():
            async with jobs.place():
                return await jobs.do(lambda: gate.wait(5))

        waiting = [asyncio.create_task(one()) for _ in range(2)]
        await asyncio.sleep(0)
        with pytest.raises(HTTPException) as refused:
            await one()
        gate.set()
        done = await asyncio.gather(*waiting)
        again = await one()
        jobs.close()
        return refused.value, done, again

    refused, done, again = apart(all_at_once())
    assert (refused.status_code, refused.headers) == (503, {"Retry-After": "1"})
    assert (done, again) == ([True, True], True)


def test_a_job_that_takes_too_long_is_not_waited_for():
    async def late():
        jobs, gate = Jobs(threads=1, places=1, seconds=0.1), threading.Event()
        try:
            async with jobs.place():
                await jobs.do(lambda: gate.wait(5))
        finally:
            gate.set()
            jobs.close()

    with pytest.raises(HTTPException, match="That took too long") as refused:
        apart(late())
    assert refused.value.status_code == 504


def test_many_pictures_at_once_are_read_or_sent_away(live, drawn, encode):
    """Two threads and eight places: of 24 at once at least eight are read, and none is lost."""
    picture = encode(drawn[0], "JPEG")
    with ThreadPoolExecutor(24) as pool:
        answers = [*pool.map(lambda _: live.ask("/live/faces", "POST", picture), range(24))]
    assert {answer.status for answer in answers} <= {200, 503}
    assert sum(answer.status == 200 for answer in answers) >= 8
    for answer in answers:
        if answer.status == 503:
            assert answer.headers["Retry-After"] == "1"
        else:
            assert b'"expression":"happiness"' in answer.body
    assert live.ask("/live/faces", "POST", picture).status == 200
