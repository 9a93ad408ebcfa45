import re
from pathlib import Path

import pytest

from facslens.datasets.layouts import COMMON_KEYS, LAYOUTS
from facslens.datasets.load import Spec, load, parse_spec, read
from facslens.errors import CallError


@pytest.mark.parametrize(
    ("text", "spec"),
    [
        ("ck48", Spec("ck48")),
        ("ck48:", Spec("ck48")),
        ("ck48:data/ck48", Spec("ck48", Path("data/ck48"))),
        ("ck48:a,aus=b.csv", Spec("ck48", Path("a"), {"aus": "b.csv"})),
        ("ckplus,peak=2", Spec("ckplus", None, {"peak": "2"})),
        (r"folder:C:\faces", Spec("folder", Path(r"C:\faces"))),
        ("folder:a:b,c d", Spec("folder", Path("a:b,c d"))),
        (r"folder:a,subject=(\d{1,3})=x", Spec("folder", Path("a"), {"subject": r"(\d{1,3})=x"})),
        ("table:t.csv,kind=intensity, present=2",
         Spec("table", Path("t.csv"), {"kind": "intensity", "present": "2"})),
    ],
)  # fmt: skip
def test_a_specification_is_taken_apart(text, spec):
    assert parse_spec(text) == spec


def test_the_tilde_is_the_home_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert parse_spec("folder:~/faces").path == tmp_path / "faces"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "bogus:x",
            "spec 'bogus:x' names no dataset layout: .* the names synthetic, ck48, ckplus",
        ),
        ("", "spec '' names no dataset layout"),
        ("CK48:x", "spec 'CK48:x' names no dataset layout"),
        ("ck48:x,aux=1", "gives ck48 the unknown key 'aux': it has aus, assume_independent"),
        ("ck48:x,aus=1,aus=2", "gives the key 'aus' twice: expected it once"),
    ],
)
def test_a_wrong_specification_is_refused(text, message):
    with pytest.raises(CallError, match=message):
        parse_spec(text)


def test_a_bare_folder_is_told_how_to_be_named(tmp_path):
    with pytest.raises(CallError, match=f"for a folder of images write folder:{tmp_path}"):
        parse_spec(str(tmp_path))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("ck48", "spec 'ck48' has no path: expected ck48:PATH, the folder that holds "),
        ("ckplus:x,peak=0", "peak is '0': expected how many last frames to take, a number from 1"),
        ("ckplus:x,peak=all", "peak is 'all': expected how many last frames"),
        ("folder:x,subject=(", r"subject is '\(': expected a regular expression"),
        ("folder:x,assume_independent=maybe", "is 'maybe': expected yes, if every face"),
        ("table:x,kind=grade", "kind is 'grade': expected what columns such as AU12 hold: pres"),
        ("table:x,unknown=9,nan", "unknown is '9,nan': expected numbers that stand for"),
        (
            "table:x,labels=rafdb",
            "labels is 'rafdb': expected what other labels mean: raf, affectnet",
        ),
        ("folder:x,labels=1:joy,1:fear", "labels is '1:joy,1:fear': expected what other labels"),
        ("folder:x,labels=1:bored", "labels is '1:bored': expected what other labels mean"),
        ("table:x,unknown=nine", "unknown is 'nine': expected numbers that stand for an unknown"),
        ("table:x,present=often", "present is 'often': expected a number from which"),
    ],
)
def test_a_wrong_value_is_refused_with_what_it_should_be(text, message):
    with pytest.raises(CallError, match=message):
        load(text)


def test_every_layout_says_what_it_is():
    assert list(LAYOUTS)[:2] == ["synthetic", "ck48"]
    for name, layout in LAYOUTS.items():
        assert name.isidentifier()
        assert layout.summary
        assert layout.path
        assert not layout.keys.keys() & COMMON_KEYS.keys()
        assert all(key.summary for key in layout.keys.values())


def test_every_source_is_in_the_references_or_an_address():
    text = (Path(__file__).parents[2] / "references.bib").read_text(encoding="utf-8")
    keys = set(re.findall(r"^@\w+\{(\w+),", text, re.MULTILINE))
    for name, layout in LAYOUTS.items():
        for source in layout.source.split():
            assert source in keys or source.startswith(("https://", "http://")), name
        assert layout.official is None or layout.official.source in keys, name
        assert layout.source or not layout.seen, name


@pytest.mark.parametrize(
    ("name", "keys", "holds"),
    [
        ("kdef", (), True),
        ("kdef", ("assume_independent",), True),
        ("kdef", ("angles",), False),
        ("oulu", ("light",), False),
        ("ckplus", ("peak", "assume_independent"), False),
        ("ck48", ("aus",), True),
        ("ck48", ("by",), False),
        ("folder", ("labels",), None),
    ],
)
def test_what_the_makers_count_holds_unless_a_key_says_how_many_are_read(name, keys, holds):
    layout = LAYOUTS[name]
    known = {**layout.keys, **COMMON_KEYS}
    assert layout.stated(known[key] for key in keys) is (layout.official if holds else None)


@pytest.mark.parametrize("name", [name for name, layout in LAYOUTS.items() if layout.needs_path])
def test_a_path_of_something_else_is_an_error_in_one_sentence(tmp_path, write_image, name):
    (tmp_path / "empty").mkdir()
    (tmp_path / "text.txt").write_text("hello\n")
    for place in ("some/a.png", "some/list_patition_label.txt/b.png", "some/val_set/c.png"):
        write_image(tmp_path / place)
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    for path in ("empty", "text.txt", "some", "loop", "gone", "a" * 5000, "text.txt/inside"):
        errors = [d for d in read(f"{name}:{tmp_path / path}").defects if d.level == "error"]
        assert errors, path
        assert all("\n" not in defect.message for defect in errors)
