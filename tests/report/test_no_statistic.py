"""The report shows what stages have measured: it draws, tests, corrects and resamples nothing."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import facslens.report

FILES = sorted(Path(facslens.report.__file__).parent.rglob("*.py"))
#: Averages what one sequence answered, which is no statistic but a unit of analysis.
ALLOWED = {"make_sample"}


def statistics(tree: ast.AST) -> Iterator[str]:
    """Name what a module takes from elsewhere to compute a statistic with."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (one.name for one in node.names if one.name.split(".")[0] in BANNED)
        elif isinstance(node, ast.ImportFrom) and node.module:
            if node.module.split(".")[0] in BANNED:
                yield node.module
            if node.module.startswith(OURS):
                # constants and tables of labels are named in capitals
                yield from (
                    one.name
                    for one in node.names
                    if not one.name.isupper() and one.name not in ALLOWED
                )
        elif isinstance(node, ast.Attribute) and node.attr in ("random", "linalg", "corr"):
            yield ast.unparse(node)


BANNED = ("scipy", "statsmodels", "sklearn", "random", "torch")
OURS = ("facslens.association", "facslens.controls", "facslens.statistics")


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_no_module_computes_a_statistic(path: Path) -> None:
    assert list(statistics(ast.parse(path.read_text(encoding="utf-8")))) == []


@pytest.mark.parametrize(
    "source",
    [
        "import scipy.stats",
        "from scipy.stats import rankdata",
        "from facslens.association.discovery.correction import benjamini_hochberg",
        "from facslens.statistics import resampled",
        "rng = np.random.default_rng(0)",
    ],
)
def test_the_test_would_see_one(source: str) -> None:
    assert len(list(statistics(ast.parse(source)))) == 1
