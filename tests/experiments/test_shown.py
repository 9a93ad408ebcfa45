"""What an experiment shows of itself in a notebook."""

import re

import pandas as pd
import pytest

from facslens.experiments.analysis import Findings, sentence


@pytest.fixture
def found() -> Findings:
    rows = [
        ("conv1", "AU01", None, "silent", None, None, None),
        ("conv2", "AU06", 4, "rival", 0.6, 0.4, 0.8),
        ("conv2", "AU12", 5, "caused", 0.9, 0.75, 1.0),
        ("conv2", "AU17", None, "silent", None, None, None),
    ]
    columns = ["layer", "au", "unit", "verdict", "auroc", "auroc_low", "auroc_high"]
    caused = pd.DataFrame(rows, columns=columns).assign(rival="AU<b>07", n_wins=9, n_people=12)
    caused = caused.astype({"unit": "Int64"})
    controls = pd.DataFrame({"control": ["pixels", "untrained", "pixels"]})
    nothing = pd.DataFrame({"layer": []})
    return Findings(nothing, nothing, nothing, nothing, caused, controls, nothing)


def test_what_is_caused_comes_first_with_its_reason(found: Findings) -> None:
    html = found._repr_html_()
    rows = re.findall("<tr><td>(.*?)</td></tr>", html)
    words = [re.sub("<[^>]*>", " ", row).split() for row in rows]
    assert [row[0] for row in words] == ["AU12", "AU06", "AU17", "AU01"]
    assert "1 of 3 action units is caused in conv2" in html
    assert "<summary>0 of 1 action units are caused in conv1</summary>" in html
    assert (
        "action units: 4 · layers: 2 · measured on people: 12 · beside: pixels, untrained" in html
    )
    assert "0.90 (0.75–1.00)" in html
    assert 'cx="81.0"' in html  # 0.9 of 90


def test_every_verdict_is_said_and_names_are_escaped(found: Findings) -> None:
    html = found._repr_html_()
    assert "AU&lt;b&gt;07" in html
    assert "<b>" not in html
    for row in found.caused.to_dict("records"):
        assert sentence(row).replace("<b>", "&lt;b&gt;") in html
    assert "Drawn faces are not photographs" in html
