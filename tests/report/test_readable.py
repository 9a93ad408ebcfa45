"""The section on layers: curves of what probes read, and in words."""

import re

import pandas as pd
import pytest

from facslens.artifacts import sha256, write_table
from facslens.experiments.readable import FIRST, LAYERS, MEAN, READABLE
from facslens.report.html import open_page, render
from facslens.report.missing import Missing
from facslens.report.sections.readable import build_readable

#: kind, what, value in conv1 and conv2, layer and place from which on it is readable, best layer.
READ = [
    ("au", "AU01", (0.75, 1.0), "conv2", 2, "conv2"),
    ("au", "AU12", (0.9, 0.6), "conv1", 1, "conv1"),
    ("au", "AU20", (0.5, 0.5), "", None, ""),
    ("au", MEAN, (0.8, 0.75), "conv1", 1, "conv1"),
    ("expression", "anger", (0.25, 0.75), "conv2", 2, "conv2"),
    ("expression", MEAN, (0.25, 0.75), "conv2", 2, "conv2"),
]


def measures(value):
    return {"value": value, "low": value - 0.05, "high": value + 0.05, "control": 0.5,
            "untrained": 0.55}  # fmt: skip


def write(run, later=(1.0, 1.0, 2.0), silent=False):
    each, means, first = [], [], []
    for kind, what, values, layer, place, best in READ:
        row = {"kind": kind, "what": what, "layer": layer, "place": place, "best_layer": best}
        if kind == "expression":
            row |= dict(zip(("later", "later_low", "later_high"), later, strict=True))
        if silent and kind == "expression":
            row |= {"layer": "", "place": None, "best_layer": ""}
        first.append(row)
        for number, value in enumerate(values, start=1):
            line = {"layer": f"conv{number}", "kind": kind, "n_people": 30} | measures(value)
            if what == MEAN:
                means.append(line | {"n": 3})
            else:
                each.append(line | {"what": what})
    folder = run / "mechanism"
    for name, rows, columns in (
        ("readable", each, READABLE), ("readable_layers", means, LAYERS),
        ("readable_from", first, FIRST),
    ):  # fmt: skip
        write_table(folder / f"{name}.csv", pd.DataFrame(rows, columns=list(columns)))
    noted = {"mechanism": sha256(folder)}
    run.update(stages=run.info["stages"] | {"mechanism": {"status": "done", "files": noted}})


@pytest.fixture
def run(write_run):
    made = write_run()
    write(made)
    return made


def test_curves_and_sentences_are_those_of_the_tables(run):
    view = build_readable(open_page(run))
    assert not isinstance(view, Missing)
    assert (view.layers, view.people) == (("conv1", "conv2"), 30)
    assert [panel.what for panel in view.aus] == ["AU01", "AU12", "AU20"]
    assert [panel.what for panel in view.expressions] == ["anger"]
    assert (view.aus[0].value, view.aus[0].floor, view.aus[0].place) == ((0.75, 1.0), 0.5, 2)
    assert [panel.value for panel in view.means] == [(0.8, 0.75), (0.25, 0.75)]
    assert view.expressions[0].floor == 0
    assert view.words == (
        "Action units are readable from conv1 on, layer 1 of 2, expressions from conv2 on, layer "
        "2: expressions come later (layers between: 1, 95 % interval 1 to 2)",
        "Earliest readable: AU12, from conv1 on; last: AU01, from conv2 on",
        "Action units: AUROC 0.80 (0.75–0.85) in conv1, the best layer; 0.50 in control tasks, "
        "0.55 in an untrained network; 0.75 (0.70–0.80) in conv2, the last layer",
        "Expressions: share of the change foretold 0.75 (0.70–0.80) in conv2, the best layer; "
        "0.50 in control tasks, 0.55 in an untrained network",
    )


def test_the_picture_is_a_small_multiple(run):
    page = render(open_page(run))
    assert len(re.findall('<figure class="curves depth">', page)) == 2
    small = re.findall(r'<figure class="curves shallow">.*?</figure>', page, flags=re.DOTALL)
    assert len(small) == 4
    # ¾ and 1 on an axis from ½ to 1, at both ends of a width of 116 and a height of 56
    assert "M0.0,28.0L116.0,0.0" in small[0]
    assert 'class="chosen" x1="116.0"' in small[0]
    assert 'class="chosen"' not in small[2]
    assert "AU20, lip stretcher: not readable" in small[2]


@pytest.mark.parametrize(
    ("later", "said"),
    [
        ((0.0, -1.0, 2.0), "which of the two comes first is not decided"),
        ((0.0, 0.0, 0.0), "in the same layer (95 % interval over people: no layer between)"),
        ((-2.0, -3.0, -1.0), "expressions come earlier"),
    ],
)
def test_the_order_is_said_as_the_interval_has_it(write_run, later, said):
    run = write_run()
    write(run, later)
    assert said in build_readable(open_page(run)).words[0]


def test_nothing_readable_is_said_so(write_run):
    run = write_run()
    write(run, silent=True)
    view = build_readable(open_page(run))
    assert view.words[0] == "No layer lets a linear probe read expressions"
    assert not any(word.startswith("Expressions: share") for word in view.words)
    render(open_page(run))


def test_without_tables_the_page_names_the_command(write_run):
    view = build_readable(open_page(write_run()))
    assert isinstance(view, Missing)
    assert "facslens mechanism" in view.command


def test_figures_have_the_means_and_each_action_unit_above_its_floor(run):
    figures = open_page(run).figures()
    read, control, untrained, here = figures["readable-au"]().axes[0].lines
    assert list(read.get_ydata()) == [0.8, 0.75]
    assert list(control.get_ydata()) == [0.5, 0.5]
    assert list(untrained.get_ydata()) == [0.55, 0.55]
    assert list(here.get_xdata()) == [0, 0]
    axes = figures["readable-each-aus"]().axes[0]
    shown = axes.images[0].get_array().tolist()
    assert shown == [pytest.approx(row) for row in ([0.25, 0.5], [0.4, 0.1], [0.0, 0.0])]
    # AU01 from conv2 on, AU12 from conv1 on, AU20 nowhere
    assert [frame.get_xy() for frame in axes.patches] == [(0.5, -0.5), (-0.5, 0.5)]
    assert {"readable-expression", "readable-each-expressions"} <= set(figures)
