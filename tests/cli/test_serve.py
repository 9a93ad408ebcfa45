"""``facslens serve`` as a call: what it takes, and what it opens."""

import sys
from types import ModuleType

import pytest

pytest.importorskip("uvicorn")
pytest.importorskip("onnxruntime")

from facslens.server import serve as serving


@pytest.fixture
def served(monkeypatch):
    """Note what would be served, in place of serving it; and stand in for the explorer."""
    noted = []
    monkeypatch.setattr(serving, "serve", lambda bound, site: noted.append((bound, site)) or True)
    monkeypatch.setattr(serving, "browser", lambda: None)
    module = ModuleType("facslens.explorer.site")

    class Site:
        @classmethod
        def of(cls, run, against=(), no_faces=False):
            made = cls()
            made.asked = (run.name, [one.name for one in against], no_faces)
            return made

    module.Site = Site
    monkeypatch.setitem(sys.modules, "facslens.explorer.site", module)
    yield noted
    for bound, _ in noted:
        bound.socket.close()


def test_without_a_run_it_serves_the_live_page(facslens, served):
    code, out, err = facslens("serve")
    ((bound, site),) = served
    assert (code, site, err) == (0, None, "stopped\n")
    assert out == f"live page: {bound.address}\n"
    assert bound.door.token is None


def test_with_a_run_it_serves_its_pages_and_says_both_addresses(facslens, served):
    code, out, _ = facslens("serve", "one", "--against", "two", "--against", "three", "--no-faces")
    ((bound, site),) = served
    assert code == 0
    assert site.asked == ("one", ["two", "three"], True)
    assert out == f"explorer: {bound.address}\nlive page: {bound.address}live/\n"


def test_beyond_this_machine_there_is_a_token(facslens, served):
    code, out, err = facslens("serve", "run", "--host", "0.0.0.0")
    ((bound, _),) = served
    assert code == 0
    page, token = bound.address.split("?token=")
    assert out == f"explorer: {page}?token={token}\nlive page: {page}live/?token={token}\n"
    assert token == bound.door.token
    assert "travels unencrypted" in err


def test_what_is_for_the_explorer_needs_a_run(facslens, served):
    for option in (("--against", "two"), ("--no-faces",)):
        code, _, err = facslens("serve", *option)
        assert (code, err) == (2, f"error: {option[0]} is for the explorer: name a RUN before it\n")
    assert served == []


def test_a_browser_opens_where_there_is_one(facslens, served, monkeypatch):
    opened = []

    class Browser:
        open = opened.append

    monkeypatch.setattr(serving, "browser", Browser)
    facslens("serve", "--no-browser")
    assert opened == []
    facslens("serve")
    assert opened == [served[1][0].address]


def test_a_missing_package_is_named_with_its_extra(facslens, monkeypatch):
    monkeypatch.setitem(sys.modules, "facslens.server.serve", None)
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    code, _, err = facslens("serve")
    assert code == 2
    assert "pip install 'facslens[serve]'" in err
