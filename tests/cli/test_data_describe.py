import json

import pytest


def test_a_dataset_is_described_as_text_as_json_and_as_a_page(facslens, drawn_ck48, tmp_path):
    page = tmp_path / "new" / "faces.html"
    spec = f"ck48:{drawn_ck48}"
    code, out, err = facslens("data", "describe", spec, "--out", page)
    assert code == 0
    lines = [" ".join(line.replace("│", " ").split()) for line in out.splitlines()]
    assert lines[0] == "ck48: 144 images, 72 sequences, 24 subjects"
    assert "surprise 48 24 24" in lines
    assert "AU17 72 72 0 12 FACS coders" in lines
    assert "sizes: 48×48 (144)" in lines
    assert out.rstrip().endswith(f"page: {page}")
    assert "describe: 144/144" in err
    assert "<h1>ck48 holds" in page.read_text(encoding="utf-8")

    code, out, _ = facslens("data", "describe", spec, "--json")
    found = json.loads(out)
    assert (code, found["images"], found["units"][2]["present"]) == (0, 144, 72)
    assert found["sizes"] == {"frequent": [[48, 48, 144]], "others": 0}


@pytest.mark.parametrize("name", ["faces.png", "faces", "folder.html"])
def test_a_page_needs_the_name_of_a_page(facslens, drawn_ck48, tmp_path, name):
    (tmp_path / "folder.html").mkdir()
    code, _, err = facslens("data", "describe", f"ck48:{drawn_ck48}", "--out", str(tmp_path / name))
    assert code == 2
    assert f"{name}': expected the name of a page, such as faces.html" in err
    assert sorted(p.name for p in tmp_path.iterdir()) == ["folder.html"]


def test_errors_and_repeats_are_told_and_the_rest_is_described(facslens, tmp_path, draw_ck48):
    folder = draw_ck48(tmp_path / "faces", subjects=4)
    images = sorted((folder / "CK+48" / "happy").iterdir())
    images[1].write_bytes(images[0].read_bytes())
    images[2].write_text("nothing")
    (folder / "CK+48" / "bored").mkdir()
    (folder / "CK+48" / "bored" / "S001_004_00000001.png").write_bytes(images[0].read_bytes())
    code, out, _ = facslens("data", "describe", f"ck48:{folder}")
    assert code == 0
    assert "1 image cannot be read" in out
    assert "2 images show exactly the same pixels as another one" in out
    assert "1 error, which facslens data check tells; the rest is above" in out
