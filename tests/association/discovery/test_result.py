"""What an association writes reads back equal, types included."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from facslens.association import Association, associate, concatenate
from facslens.association.discovery.result import TYPES
from facslens.errors import ArtifactError


def made(rng: np.random.Generator, **choices: Any) -> Association:
    """Two layers and two nulls; the last AU is too rare and the first unit dead."""
    labels = (rng.random((60, 3)) < [0.4, 0.4, 0.02]).astype(float)
    responses = rng.normal(size=(60, 4))
    responses[:, 0] = 0
    responses[:, 1] += 3 * labels[:, 0]
    return concatenate(
        [
            associate(
                responses, labels, layer=layer, strata=strata, permutations=49,
                distance=["kl", "auroc"], **choices,
            )
            for layer in ("1.10", "NA")
            for strata in (None, np.arange(60) % 2)
        ]
    )  # fmt: skip


def read_back(association: Association, folder: Path) -> Association:
    found = {}
    for name, table in association.tables().items():
        if name in ("coverage", "units"):
            table.to_csv(folder / f"{name}.csv", index=False)
            found[name] = pd.read_csv(
                folder / f"{name}.csv", dtype=dict(TYPES[name]), keep_default_na=False,
                na_values=[""],
            )  # fmt: skip
        else:
            table.to_parquet(folder / f"{name}.parquet", index=False)
            found[name] = pd.read_parquet(folder / f"{name}.parquet")
    return Association.of_tables(found)


@pytest.mark.parametrize(
    "choices",
    [
        {"aus": ["AU01", "AU12", "AU27"], "subject": np.arange(60) // 3},
        {},  # AUs without a name, nobody known
    ],
)
def test_what_is_written_reads_back_equal(
    choices: dict[str, Any], rng: np.random.Generator, tmp_path: Path
) -> None:
    before = made(rng, **choices)
    after = read_back(before, tmp_path)
    for name, table in before.tables().items():
        pd.testing.assert_frame_equal(after.tables()[name], table, check_exact=True)
    for rank in ("tested", "distance"):
        for null in ("free", "within_expression"):
            want, got = (a.mapping("auroc", rank, null=null) for a in (before, after))
            pd.testing.assert_frame_equal(got, want, check_exact=True)
    first = after.mapping("auroc").query("view == 'au_to_unit' and rank == 1")
    assert first["layer"].tolist() == ["1.10", "NA"]
    assert first[["threshold", "f1", "n_within"]].notna().all(axis=None)


def test_one_null_reads_back_equal_too(rng: np.random.Generator, tmp_path: Path) -> None:
    labels = (rng.random((40, 2)) < 0.5).astype(float)
    before = associate(rng.normal(size=(40, 2)), labels, permutations=9)
    assert "auroc_within" not in before.effects
    for name, table in read_back(before, tmp_path).tables().items():
        pd.testing.assert_frame_equal(table, before.tables()[name], check_exact=True)


def test_every_table_has_the_types_that_are_declared(rng: np.random.Generator) -> None:
    for name, table in made(rng).tables().items():
        assert list(table.columns) == list(TYPES[name])
        pd.testing.assert_frame_equal(table, table.astype(dict(TYPES[name])))


def test_what_lacks_or_is_of_another_type_is_refused(rng: np.random.Generator) -> None:
    tables = made(rng).tables()
    with pytest.raises(ArtifactError, match="the association lacks its table 'effects'"):
        Association.of_tables({n: t for n, t in tables.items() if n != "effects"})
    with pytest.raises(ArtifactError, match=r"the table 'effects' .* lacks the column 'f1'"):
        Association.of_tables(tables | {"effects": tables["effects"].drop(columns="f1")})
    words = tables["units"].assign(unit="first")
    with pytest.raises(ArtifactError, match="the table 'units' of the association holds something"):
        Association.of_tables(tables | {"units": words})
    gaps = tables["nulls"].assign(permutations=np.nan)
    with pytest.raises(ArtifactError, match="the table 'nulls' of the association holds something"):
        Association.of_tables(tables | {"nulls": gaps})
