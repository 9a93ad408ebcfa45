"""What `facslens verify` makes of an ablation: the AU's own expression, q, and the verdict."""

import numpy as np
import pandas as pd
import pytest

from facslens.association.verdicts import Cause, Effect
from facslens.datasets.base import Faces, make_table
from facslens.stages.causes import causes_of, corrected, effects_of, related_expressions

NAN = float("nan")


@pytest.fixture
def faces() -> Faces:
    """Three expressions of four people, two frames each; the fourth is in the test part."""
    rows = [
        {
            "image": f"{subject}-{expression}-{frame}",
            "path": "nowhere.png",
            "subject": f"S{subject}",
            "sequence": f"S{subject}-{expression}",
            "frame": frame,
            "expression": expression,
            "split": "test" if subject == 3 else "train",
            # of the people in training only one frowns when sad, and all do in the test part
            "AU04": float(expression == "anger" or (expression == "sadness" and subject in (0, 3))),
            # in one of two frames: a sequence shows it all the same
            "AU12": float(expression == "happiness" and frame == 1),
            "AU20": 1.0,
            "AU27": 0.0,
            "AU45": NAN,
        }
        for subject in range(4)
        for expression in ("sadness", "happiness", "anger", "neutral")
        for frame in (0, 1)
    ]
    return Faces(make_table(pd.DataFrame(rows)), "drawn")


def ablation(p: dict[str, float]) -> pd.DataFrame:
    rows = [
        {"layer": "conv3", "au": au, "n_units": 2, "action": action, "mode": mode}
        | {"expression": expression, "status": "tested" if au != "AU27" else "no unit"}
        | {"score_change": -0.5, "score_null_mean": -0.1, "accuracy_change": -0.25}
        | {"p_score": own if mode == "zero" else 1.0, "p_accuracy": own / 2}
        for au, own in p.items()
        for action in ("ablate", "keep")
        for mode in ("zero", "mean")
        for expression in ("anger", "happiness", "sadness")
    ]
    return pd.DataFrame(rows)


def test_an_action_units_own_expression_is_the_one_that_shows_it_most(faces: Faces) -> None:
    assert related_expressions(faces) == {
        "AU04": ("anger", 1.0),
        "AU12": ("happiness", 1.0),
        "AU20": ("anger", 1.0),  # always shown: the first in the alphabet
    }


def test_q_is_over_the_action_units_one_row_each(faces: Faces) -> None:
    table = corrected(ablation({"AU04": 0.01, "AU12": 0.03, "AU20": 0.04, "AU27": NAN}), faces)
    own = table[table["related"]].set_index("au")
    assert set(zip(own.index, own["expression"], strict=True)) == {
        ("AU04", "anger"), ("AU12", "happiness"), ("AU20", "anger"),
    }  # fmt: skip
    zero = own[(own["action"] == "ablate") & (own["mode"] == "zero")]
    # by hand: p × 3 / rank is 0.03, 0.045, 0.04; from the largest down none exceeds the next
    np.testing.assert_allclose(zero["q_score"], [0.03, 0.04, 0.04], rtol=1e-12)
    np.testing.assert_allclose(zero["q_accuracy"], [0.015, 0.02, 0.02], rtol=1e-12)
    mean = own[(own["action"] == "keep") & (own["mode"] == "mean")]
    assert mean["q_score"].tolist() == [1.0, 1.0, 1.0]
    assert table.loc[~table["related"], "q_score"].isna().all()
    assert table.loc[table["au"] == "AU27", ["share", "q_score"]].isna().all(axis=None)


def test_causes_are_of_the_checked_layer(faces: Faces) -> None:
    table = corrected(ablation({"AU04": 0.01, "AU27": NAN}), faces)
    assert causes_of(table, "conv3") == {"AU04": Cause("anger", 2, -0.5, -0.1, 0.01, 0.25)}
    assert causes_of(table, "conv1") == {}


def test_effects_are_the_untrained_networks() -> None:
    same = {"layer": "conv3", "difference_low": 0.1, "difference_high": 0.3}
    table = pd.DataFrame(
        [
            {"control": "untrained", "au": "AU04", "unit": 3, "difference": 0.2} | same,
            {"control": "untrained", "au": "AU27", "unit": None, "difference": NAN} | same,
            {"control": "probe", "au": "AU12", "unit": 3, "difference": 0.2} | same,
        ]
    )
    assert effects_of(table, "conv3") == {"AU04": Effect(0.2, 0.1, 0.3)}
    assert effects_of(table, "conv1") == {}
