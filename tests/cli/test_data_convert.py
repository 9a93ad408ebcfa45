"""``facslens data convert``, and who coded in ``data check``, as a user meets them."""

import json

import pytest


@pytest.fixture
def table(tmp_path, monkeypatch):
    """Three pictures with codes of people, and a table of OpenFace 2 of one of them."""
    import numpy as np
    from PIL import Image

    for number in (1, 2, 3):
        pixels = np.random.default_rng(number).integers(0, 256, (12, 12), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"{number}.png")
    (tmp_path / "t.csv").write_text(
        "image,subject,expression,AU1,AU12\n1.png,a,happy,0,1\n2.png,b,sad,1,0\n3.png,c,,1,\n"
    )
    (tmp_path / "of.csv").write_text("image,success,AU12_c,AU12_r\n1.png,1,1,2.5\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_matrix_and_what_is_known_of_its_rows(facslens, table):
    code, out, _ = facslens("data", "convert", "table:t.csv", "--to", "netfacs", "--out", "m.csv")
    assert code == 0
    assert out == (
        "netfacs: m.csv; 2 rows; what else is known of them: m-info.csv\n"
        "note: 1 of 3 rows have an unknown action unit, which NetFACS does not take: left out\n"
    )
    assert (table / "m.csv").read_text() == "image,1,12\n1.png,0,1\n2.png,1,0\n"
    assert (table / "m-info.csv").read_text() == (
        "image,subject,expression\n1.png,a,happiness\n2.png,b,sadness\n"
    )


def test_codes_of_a_program_are_called_so(facslens, table):
    spec = "table:of.csv,expression=none"
    code, out, _ = facslens("data", "convert", spec, "--to", "fex", "--out", "fex.csv")
    assert code == 0
    assert "coded by OpenFace 2, a program: AU12, AU12 intensity\n" in out
    _, out, _ = facslens("data", "check", spec)
    assert "coded by OpenFace 2, a program: AU12, AU12 intensity\n" in out
    _, out, _ = facslens("data", "check", spec, "--json")
    assert json.loads(out)["codings"]["AU12"]["by"] == "OpenFace 2"
    assert "who coded the action units is not said\n" in facslens("data", "check", "table:t.csv")[1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--to", "spss", "--out", "x.csv"), "--to is 'spss': expected netfacs or fex"),
        (("--to", "fex", "--by", "sequence", "--out", "x.csv"), "--by is 'sequence': expected"),
        (("--to", "fex", "--out", "x.xlsx"), "--out x.xlsx ends in '.xlsx': expected .csv"),
    ],
)
def test_a_wrong_call_is_one_sentence(facslens, table, arguments, message):
    code, _, err = facslens("data", "convert", "table:t.csv", *arguments)
    assert code == 2
    assert message in err
    assert "Traceback" not in err
