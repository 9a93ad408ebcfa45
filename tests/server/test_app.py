"""What is served: the files that pages name, and nothing else."""

import json
import socket
import threading
import time
from importlib.resources import files
from types import SimpleNamespace

import pytest

from facslens.explorer.turns import Ended, Turns
from facslens.server import app
from facslens.server.serve import bind, server

from .conftest import Served, Site

PATHS = (
    "/../pyproject.toml", "/live/../../app.py", "/live/%2e%2e/app.py", "/live/..%2fapp.py",
    "/live/%2e%2e%2f%2e%2e%2flimits.py", "/live//etc/passwd", "//etc/passwd", "/etc/passwd",
    "/%2fetc%2fpasswd", "/live/%00", "/live/live.html%00.js", "/live/live.html%00",
    "/live/..\\app.py", "/live/C:\\Windows\\win.ini", "/data", "/data/", "/data/./units.js",
    "/data//units.js", "/DATA/units.js", "/%252e%252e/x", "/live/%ff%fe", "/live/live.html/",
    "/live/live%2ehtml/..", "/.git/config", "/" + "a" * 8000, "/live/__init__.py", "/live/?/../..",
)  # fmt: skip


@pytest.mark.parametrize("path", PATHS[:-1])
def test_no_path_leads_out_of_the_pages(explorer, path):
    answer = explorer.ask(path)
    assert (answer.status, answer.text) == (404, "There is no such page.\n")


@pytest.mark.parametrize("target", ["http://evil.example/", "*", "http://127.0.0.1/etc/passwd"])
def test_a_target_that_is_no_path_is_none_here(explorer, target):
    assert explorer.ask(target).status == 404


def test_the_pages_of_a_run_come_with_their_types(explorer):
    for path, kind, start in (
        ("/", "text/html; charset=utf-8", b"<!doctype html>"),
        ("/index.html", "text/html; charset=utf-8", b"<!doctype html>"),
        ("/data/units.js", "text/javascript; charset=utf-8", b"units("),
        ("/data/sheet.png", "image/png", b"\x89PNG"),
        ("/live/", "text/html; charset=utf-8", b"<!doctype html>"),
        ("/live/live.css", "text/css; charset=utf-8", b":root"),
    ):
        answer = explorer.ask(path)
        assert (answer.status, answer.headers["Content-Type"]) == (200, kind)
        assert answer.body.startswith(start)
        assert explorer.ask(path, "HEAD").headers["Content-Length"] == str(len(answer.body))


def test_the_explorer_shows_its_link_to_the_live_page():
    """On a disk the link is hidden; the text that the server replaces is that of the page."""
    kept = (files("facslens.explorer") / "pages" / "index.html").read_bytes()
    assert b'<a href="live/" hidden>Live</a>' in kept

    class Site:
        def names(self):
            return ("index.html", "data/units.js")

        def read(self, name):
            return kept

    shown = app.Served(Site(), draws=False).read("index.html")
    assert b'<a href="live/">Live</a>' in shown
    assert b"data-draw" not in shown
    assert b"connect-src" not in shown
    assert app.Served(Site(), draws=True).read("data/units.js") == kept
    # what is drawn comes by a request, with its pictures in the answer
    drawing = app.Served(Site(), draws=True).read("index.html")
    assert b'<html lang="en" data-draw="draw">' in drawing
    assert b"img-src 'self' data: file:; connect-src 'self'; base-uri 'none'" in drawing


def test_without_what_draws_no_face_is_drawn(explorer):
    assert explorer.ask("/draw").status == 404
    assert explorer.ask("/draw?person=P001&face=AU12=E").status == 404


def test_files_are_made_ahead_until_the_server_ends():
    class Ahead(Site):
        def __init__(self):
            super().__init__()
            self.turns, self.paused, self.ended = Turns(), 0, threading.Event()

        def read_ahead(self):
            try:
                with self.turns.ahead("data/sheet.png"):
                    while True:
                        self.turns.pause()
                        self.paused += 1
                        time.sleep(0.001)
            except Ended:
                self.ended.set()

    site, at = Ahead(), bind("127.0.0.1", 0)
    running = server(at, site)
    thread = threading.Thread(target=running.run, kwargs={"sockets": [at.socket]})
    thread.start()
    while not site.paused:
        time.sleep(0.01)
    served = Served(at.socket.getsockname()[1], at.address)
    assert served.ask("/data/units.js").status == 200
    running.should_exit = True
    thread.join()
    at.socket.close()
    assert site.ended.wait(2)


def test_drawing_is_for_the_pages_of_the_server_and_bounded(run_server):
    going = threading.Event()

    def face(person, shown):
        going.wait(20)
        return {"person": person, "shown": shown}

    site = Site()
    site.drawing = SimpleNamespace(facts=lambda: {"grades": ["A"]}, face=face)
    served = run_server(site)
    assert json.loads(served.ask("/draw").text) == {"grades": ["A"]}
    for headers in ({"sec_fetch_site": "cross-site"}, {"host": "evil.example"}):
        assert served.ask("/draw", **headers).status in (403, 421)
    found = []
    asking = [
        threading.Thread(target=lambda: found.append(served.ask("/draw?person=P1&face=AU12%3DE")))
        for _ in range(9)
    ]
    for one in asking:
        one.start()
    while not found:  # the one that finds no place
        time.sleep(0.01)
    assert (found[0].status, found[0].text) == (503, "facslens is busy: try again.\n")
    assert found[0].headers["Retry-After"] == "1"
    assert served.ask("/data/units.js").status == 200  # pages do not wait for what is drawn
    going.set()
    for one in asking:
        one.join()
    assert [one.status for one in found[1:]] == [200] * 8
    assert json.loads(found[1].text) == {"person": "P1", "shown": "AU12=E"}


def test_what_a_browser_has_is_not_sent_again(explorer):
    first = explorer.ask("/data/units.js")
    again = explorer.ask("/data/units.js", if_none_match=first.headers["ETag"])
    assert (again.status, again.body) == (304, b"")
    assert explorer.ask("/data/units.js", if_none_match='"other"').status == 200


def test_without_a_run_the_live_page_is_the_first(live):
    answer = live.ask("/")
    assert (answer.status, answer.headers["Location"]) == (307, "/live/")
    assert live.ask("/index.html").status == 404


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "TRACE", "OPTIONS", "PATCH", "QUERY"])
def test_pages_are_only_read(explorer, method):
    origin = f"http://{explorer.host}"
    assert explorer.ask("/data/units.js", method, origin=origin).status == 405


def test_websockets_are_not_spoken(explorer):
    upgrade = {
        "upgrade": "websocket",
        "connection": "Upgrade",
        "sec_websocket_key": "x" * 22 + "==",
    }
    assert explorer.ask("/live/faces", **upgrade, sec_websocket_version="13").status == 404


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"\x16\x03\x01\x02\x00\x01\x00",
        b"GET /\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nHost: evil.example\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: -1\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nBad Header: x\r\n\r\n",
    ],
)
def test_what_is_no_http_is_a_bad_request(explorer, request_bytes):
    with socket.create_connection(("127.0.0.1", explorer.port), timeout=10) as connection:
        connection.sendall(request_bytes)
        assert connection.recv(100).startswith(b"HTTP/1.1 400")
    assert explorer.ask("/").status == 200


def test_an_error_in_a_page_is_told_here_and_not_there(run_server, capfd):
    class Broken:
        def names(self):
            return ("index.html",)

        def read(self, name):
            raise RuntimeError("secret place")

    served = run_server(Broken())
    answer = served.ask("/")
    assert answer.status == 500
    assert "secret" not in answer.text
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "/: RuntimeError: secret place" in capfd.readouterr().err
