"""What an association shows of itself in a notebook, number by number."""

import re

import numpy as np
import pandas as pd
import pytest

import facslens as fl
from facslens.association.discovery.result import Association, concatenate
from facslens.association.discovery.shown import SHOWN, mapping_html


def associated(layer: str = "conv3", au: str = "AU12") -> Association:
    rng = np.random.default_rng(1)
    labels = pd.DataFrame({au: (rng.uniform(size=120) < 0.4).astype(float)})
    labels["AU20"] = 0.0
    responses = np.maximum(rng.normal(size=(120, 4)), 0)
    responses[:, 2] += 2 * labels[au]
    responses[:, 3] = 0
    return fl.associate(responses, labels, distance="kl", permutations=99, layer=layer)


@pytest.fixture(scope="module")
def association() -> Association:
    return associated()


def cells(html: str) -> list[str]:
    return [re.sub("<[^>]*>", "", cell).strip() for cell in re.findall("<td>(.*?)</td>", html)]


def test_the_first_units_stand_with_their_numbers(association: Association) -> None:
    html = association._repr_html_()
    row = association.mapping().query("view == 'au_to_unit'").iloc[0]
    assert cells(html)[:5] == [
        "AU12 lip corner puller",
        "2",
        f"{row['auroc']:.2f}",
        f"{row['p_maxT']:.3f}",
        f"{row['value']:.2f} ({row['null_mean']:.2f})",
    ]
    assert f'cx="{90 * row["auroc"]:.1f}"' in html
    assert "live units: 3 · dead or constant: 1 · action units: 1" in html
    assert "1 action unit was not tested" in html
    assert "AU20" in cells(html)
    assert len(html) < 5000


def test_the_last_layer_is_open_and_earlier_ones_are_folded(association: Association) -> None:
    html = concatenate([associated("conv1"), association])._repr_html_()
    opened, folded = html.index("conv3: 1 of 1"), html.index("<summary>conv1: 1 of 1")
    assert opened < folded
    assert html.count("<details>") == 2


def test_of_many_layers_the_last_are_shown_and_the_others_counted(
    association: Association,
) -> None:
    mapping = pd.concat([association.mapping().assign(layer=f"layer{n}") for n in range(SHOWN + 2)])
    html = mapping_html(mapping)
    assert html.count("<table>") == SHOWN
    assert "Earlier layers: layer1: 1 of 1, layer0: 1 of 1." in html


def test_a_confirmed_mapping_shows_unseen_people(association: Association) -> None:
    mapping = association.mapping().assign(
        status="not confirmed", auroc_test=0.625, auroc_test_low=0.4, auroc_test_high=0.9
    )
    html = mapping_html(mapping)
    assert "<th>AUROC, unseen people</th>" in html
    assert cells(html)[2:4] == ["0.62 (0.40–0.90)", "not confirmed"]


def test_hostile_names_are_only_words() -> None:
    html = associated("<script>alert(1)</script>")._repr_html_()
    assert "<script" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;: 1 of 1" in html
