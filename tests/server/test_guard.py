"""Who is let in, and what every answer says to the browser."""

import re
import socket

import pytest

from facslens.server.guard import HEADERS, Door

PAGES = ("/", "/live/", "/live/live.js", "/data/units.js", "/nothing")


@pytest.mark.parametrize("path", PAGES)
def test_every_answer_forbids_what_no_page_needs(explorer, path):
    headers = explorer.ask(path).headers
    assert {name: headers[name] for name in HEADERS} == HEADERS
    assert headers["Cache-Control"] == ("no-store" if path == "/nothing" else "private, no-cache")
    assert headers["Server"] is None
    assert "camera=(self)" in headers["Permissions-Policy"]
    sources = re.findall(
        r"\S+-(?:src|uri|action|ancestors) (.+?)(?:;|$)", HEADERS["Content-Security-Policy"]
    )
    assert set(" ".join(sources).split()) == {"'none'", "'self'", "data:", "blob:"}


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:80", "", "127.0.0.1.evil.example", "10.0.0.9",
             "localhost@evil.example", "[::2]", "127.0.0.1/x", "localhost:999999", "0.0.0.0", None],
)  # fmt: skip
def test_a_name_that_somebody_else_points_here_is_refused(explorer, host):
    """Otherwise evil.example, resolved to 127.0.0.1, could read what is shown to this user."""
    answer = explorer.ask("/", host=host)
    assert answer.status in (400, 421)
    assert b"explorer" not in answer.body


@pytest.mark.parametrize(
    "host", ["localhost", "localhost:9000", "127.0.0.1", "[::1]:8", "127.8.8.8"]
)
def test_all_names_of_the_loopback_are_its_own(explorer, host):
    assert explorer.ask("/", host=host).status == 200


def test_a_wider_door_knows_its_names_and_addresses_in_digits():
    door = Door(frozenset({"lab-7"}), loopback=False)
    assert [door.is_own(h) for h in ("lab-7:80", "192.168.1.4", "[fe80::1]:8", "evil.example")] == [
        True, True, True, False,
    ]  # fmt: skip


def test_headers_beyond_sixteen_kilobytes_are_refused(explorer):
    assert explorer.ask("/", x="a" * 16_000).status == 200
    assert explorer.ask("/", x="a" * 17_000).status == 431


@pytest.mark.parametrize("origin", [None, "null", "http://evil.example", "http://127.0.0.1:1"])
def test_only_its_own_pages_may_send_pictures(live, origin):
    answer = live.ask("/live/faces", "POST", b"x", origin=origin)
    assert (answer.status, answer.text) == (
        403,
        "Only the pages of this server may ask for that.\n",
    )


@pytest.mark.parametrize(
    ("site", "mode", "dest", "status"),
    [
        ("same-origin", "no-cors", "script", 200),
        ("none", "navigate", "document", 200),
        ("cross-site", "navigate", "document", 200),
        ("cross-site", "no-cors", "script", 403),
        ("same-site", "no-cors", "script", 403),
        ("cross-site", "no-cors", "image", 403),
        ("cross-site", "navigate", "iframe", 403),
        ("cross-site", "cors", "empty", 403),
    ],
)
def test_pages_of_others_may_link_here_but_load_nothing(explorer, site, mode, dest, status):
    """The data of the explorer are scripts, which any page could otherwise run and read."""
    fetch = {"sec_fetch_site": site, "sec_fetch_mode": mode, "sec_fetch_dest": dest}
    assert explorer.ask("/data/units.js", **fetch).status == status


@pytest.fixture(scope="module")
def locked(run_server):
    return run_server(token=True)


def token_of(served):
    return served.address.partition("?token=")[2]


@pytest.mark.parametrize("path", ["/", "/live/", "/live/live.js", "/live/network.json"])
def test_without_the_token_nothing_is_shown(locked, path):
    for answer in (
        locked.ask(path),
        locked.ask(f"{path}?token="),
        locked.ask(f"{path}?token={token_of(locked)[:-1]}"),
        locked.ask(path, cookie=f"facslens-{locked.port}=wrong"),
        locked.ask(path, cookie="\x01;=;;"),
        locked.ask(path, cookie=f"facslens={token_of(locked)}"),
    ):
        assert answer.status == 403
        assert "that facslens serve printed" in answer.text
        assert answer.headers["Set-Cookie"] is None
    assert locked.ask("/live/faces", "POST", b"x").status == 403


def test_the_token_becomes_a_cookie_and_leaves_the_address(locked):
    token = token_of(locked)
    assert len(token) == 43  # 32 random bytes
    answer = locked.ask(f"/live/?a=1&token={token}&b=%2F")
    assert (answer.status, answer.headers["Location"]) == (303, "/live/?a=1&b=%2F")
    cookie = answer.headers["Set-Cookie"]
    assert cookie == f"facslens-{locked.port}={token}; HttpOnly; Path=/; SameSite=lax"
    assert locked.ask("/live/", cookie=cookie.partition(";")[0]).status == 200


def test_the_token_sends_nobody_to_another_site(locked):
    answer = locked.ask(f"//evil.example/?token={token_of(locked)}")
    assert answer.headers["Location"] == "/evil.example/"


def test_an_address_that_others_reach_always_needs_a_token(run_server):
    served = run_server(host="0.0.0.0")
    assert served.ask("/live/").status == 403
    name, token = re.fullmatch(r"http://(.+):\d+/\?token=(\S+)", served.address).groups()
    assert name == socket.gethostname()
    assert served.ask("/live/", cookie=f"facslens-{served.port}={token}").status == 200
    assert (
        served.ask("/live/", host=f"{name}:80", cookie=f"facslens-{served.port}={token}").status
        == 200
    )
