"""The command as a process: what it prints, and how it ends."""

import contextlib
import http.client
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
import webbrowser

import numpy as np
import pytest

from facslens.errors import CallError
from facslens.server.serve import bind, browser

CALL = "import sys; from facslens.cli.main import main; sys.argv[0] = 'facslens'; main()"


@pytest.fixture
def start(tmp_path):
    """Start ``facslens serve``; give the process and what it printed first."""
    processes = []

    def run(*arguments):
        process = subprocess.Popen(
            [sys.executable, "-c", CALL, "serve", "--no-browser", *arguments],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path,
        )  # fmt: skip
        processes.append(process)
        return process, process.stdout.readline()

    yield run
    for process in processes:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_prints_its_address_and_ends_when_told(start, tmp_path, number):
    process, line = start()
    address = re.fullmatch(r"live page: (http://127\.0\.0\.1:\d+/)\n", line)[1]
    with urllib.request.urlopen(address, timeout=10) as page:
        assert page.geturl() == f"{address}live/"
    began = time.monotonic()
    process.send_signal(number)
    out, err = process.communicate(timeout=10)
    assert time.monotonic() - began < 2
    asked = number == signal.SIGINT
    assert (out, err) == ("", "stopped\n" if asked else "")
    assert process.returncode == (0 if asked else -signal.SIGTERM)
    assert list(tmp_path.iterdir()) == []


def test_it_ends_while_a_large_picture_is_read(start, encode, rng):
    process, line = start()
    port = int(re.search(r":(\d+)/", line)[1])
    picture = encode(np.tile(rng.integers(0, 255, (8, 8, 3), np.uint8), (700, 700, 1)), "PNG")

    def send():
        request = urllib.request.Request(
            f"http://127.0.0.1:{port}/live/faces", picture,
            {"Content-Type": "image/png", "Origin": f"http://127.0.0.1:{port}"},
        )  # fmt: skip
        with contextlib.suppress(OSError, http.client.HTTPException):  # it may be told nothing
            urllib.request.urlopen(request, timeout=20).read()

    senders = [threading.Thread(target=send) for _ in range(6)]
    for sender in senders:
        sender.start()
    time.sleep(0.5)
    began = time.monotonic()
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=20)
    assert time.monotonic() - began < 3
    assert (err, process.returncode) == ("stopped\n", 0)
    for sender in senders:
        sender.join()


def test_a_port_that_is_taken_is_said_at_once():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(CallError, match=f"port is {port}, which is taken: name another, or 0"):
            bind("127.0.0.1", port)


@pytest.mark.parametrize(
    ("host", "said"),
    [("no-such-name.invalid", "expected a name"), ("203.0.113.9", "this machine has no such")],
)
def test_an_address_of_another_machine_is_refused(host, said):
    with pytest.raises(CallError, match=rf"host is '{re.escape(host)}': {said}"):
        bind(host, 0)


@pytest.mark.parametrize("port", [-1, 65536, 10**9])
def test_a_port_that_is_none_is_refused(port):
    with pytest.raises(CallError, match=rf"port is {port}: expected 0 to 65535"):
        bind("127.0.0.1", port)


@pytest.mark.skipif(not socket.has_ipv6, reason="no IPv6 here")
def test_the_other_loopback_is_one_too():
    try:
        bound = bind("::1", 0)
    except CallError:
        pytest.skip("no IPv6 loopback here")
    with bound.socket:
        assert re.fullmatch(r"http://\[::1\]:\d+/", bound.address)
        assert bound.door.loopback


@pytest.mark.skipif(sys.platform != "linux", reason="says how Linux tells of its screen")
def test_a_browser_is_opened_only_where_somebody_sits(monkeypatch):
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "SSH_CONNECTION"):
        monkeypatch.delenv(name, raising=False)
    assert browser() is None
    monkeypatch.setenv("DISPLAY", ":0")
    one = webbrowser.GenericBrowser("firefox")
    monkeypatch.setattr("webbrowser.get", lambda: one)
    assert browser() is one
    monkeypatch.setenv("SSH_CONNECTION", "10.0.0.1 5 10.0.0.2 22")
    assert browser() is None
