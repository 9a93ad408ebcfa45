"""Whether directions of a layer are more selective, more causal and more stable than its channels.

python benchmarks/directions.py network compact|RUN LAYER … [--untrained 5]
python benchmarks/directions.py seeds LAYER RUN RUN …
"""

import argparse
import itertools
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import spearmanr

from facslens.causal.cut import Cut, Held, cut_at
from facslens.causal.patching import patched
from facslens.datasets.stimuli import Stimuli, read_stimuli
from facslens.experiments.analysis import Findings
from facslens.models.model import Model
from facslens.runs.model import open_model
from facslens.stages.answers import ask
from facslens.stages.directions import with_directions
from facslens.stages.experiment import Plan, analysed
from facslens.stages.mechanism.pairs import Pairs, read_pairs
from facslens.stages.mechanism.subject import Subject


def main() -> None:
    """Run one of them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=("network", "seeds"))
    parser.add_argument("names", nargs="+")
    parser.add_argument("--untrained", type=int, default=5)
    options = parser.parse_args()
    first, *others = options.names
    stimuli = read_stimuli()
    if options.what == "network":
        for layer in others:
            show(compared(opened(first), stimuli, layer, options.untrained))
    else:
        show(stable([opened(name) for name in others], stimuli, first))


def opened(name: str) -> Model:
    """Open a network of the package, or a folder."""
    return open_model(Path(name) if Path(name).is_dir() else name)


def show(table: pd.DataFrame) -> None:
    """Print a table."""
    print(table.to_string(index=False, float_format=lambda value: f"{value:.3f}"), flush=True)


@dataclass(frozen=True)
class Looked:
    """A model with directions of a layer, what it answered, and what was found."""

    model: Model
    layers: tuple[str, ...]
    responses: dict[str, np.ndarray]
    findings: Findings

    @classmethod
    def at(cls, model: Model, stimuli: Stimuli, layer: str, untrained: int) -> "Looked":
        """Make the experiment with a layer's channels and with each kind of its directions."""
        directed = with_directions(model, stimuli, [layer])
        layers = (f"channels.{layer}", *directed.reading.choose(None))
        plan = Plan(layers, untrained)
        answers = ask(directed, stimuli, layers, untrained, plan.seed, lambda *_: None)
        found = analysed(answers, stimuli, plan)
        return cls(directed, layers, dict(answers.responses), found)


def compared(model: Model, stimuli: Stimuli, layer: str, untrained: int) -> pd.DataFrame:
    """Compare channels and kinds of directions: how selective, and how causal, the best are."""
    looked = Looked.at(model, stimuli, layer, untrained)
    pairs = read_pairs(Subject(looked.model, stimuli, ()), lambda *_: None)
    rows = []
    for name in looked.layers:
        overview = looked.findings.overview
        own = overview[overview["layer"] == name].set_index("candidates")
        caused = looked.findings.caused
        chosen = caused[caused["layer"] == name].set_index("au")["unit"]
        removed, energy = through(looked.model, name, pairs, chosen)
        rows.append(
            {
                "layer": name,
                "candidates": looked.responses[name].shape[1],
                "auroc": own.loc["units", "auroc"],
                "wins": own.loc["units", "wins"],
                "caused": own.loc["units", "n_caused"],
                "untrained auroc": own.loc["untrained", "auroc"],
                "untrained wins": own.loc["untrained", "wins"],
                "removed": removed,
                "of the change": energy,
            }
        )
    return pd.DataFrame(rows)


def through(model: Model, layer: str, pairs: Pairs, chosen: pd.Series) -> tuple[float, float]:
    """Put the chosen candidate of each action unit back to rest.

    Returns
    -------
    tuple
        Which share of the effect on the expression that the action unit raises most is then gone,
        and which share of the squared change of all maps that was; means over action units, of
        people who had no part in the choice.
    """
    cut = cut_at(model.network, layer, pairs.rest(True))
    rest = {half: cut.hold(pairs.rest(half)) for half in (True, False)}
    gone, size = [], []
    for au, name in enumerate(pairs.trials.aus):
        shown = {half: cut.hold(pairs.shown(au, half)) for half in (True, False)}
        raised = (centred(shown[True]) - centred(rest[True])).mean(axis=0).argmax()
        effect = (centred(shown[False]) - centred(rest[False]))[:, raised].mean()
        one = np.zeros((1, shown[False].maps.shape[1]), dtype=bool)
        one[0, int(chosen[name])] = True
        scores = patched(cut, shown[False], rest[False].maps, one)[0]
        without = scores - scores.mean(axis=1, keepdims=True)
        left = (without - centred(rest[False]))[:, raised].mean()
        gone.append(1 - left / effect)
        size.append(share_of_change(cut, rest[False], shown[False], one[0], model, layer))
    return float(np.mean(gone)), float(np.mean(size))


def centred(held: Held) -> np.ndarray:
    """Give scores less their mean over classes."""
    scores = held.scores.double().numpy()
    return scores - scores.mean(axis=1, keepdims=True)


def share_of_change(
    cut: Cut, rest: Held, shown: Held, one: np.ndarray, model: Model, layer: str
) -> float:
    """Give the squared length of what is put back, as a share of that of the whole change."""
    change = (shown.maps - rest.maps).double().numpy()
    if layer.startswith("channels."):
        return float((change[:, one] ** 2).sum() / (change**2).sum())
    name, _, kind = layer.rpartition(":")
    mixture = model.network.mixtures[name][kind]
    back = np.linalg.pinv(mixture.weight)[:, one][:, 0]
    whole = cut_at(model.network, f"channels.{name}", shown.maps.new_zeros(1, *model.input.shape))
    del whole, cut
    units = shown.beside[0] - rest.beside[0]
    total = float((units.double() ** 2).sum())
    return float((change[:, one] ** 2).sum() * (back**2).sum() / total)


def stable(models: list[Model], stimuli: Stimuli, layer: str) -> pd.DataFrame:
    """Compare networks that differ in their seed alone, by what is chosen for each action unit.

    Returns
    -------
    pandas.DataFrame
        ``agreement``: Spearman's correlation of the responses of what two networks have for the
        same action unit, to faces of people who had no part in the choice; mean over action units
        and pairs of networks. ``same verdict``: the share of action units of which all networks say
        the same, and ``caused in all`` and ``in any`` how many are caused.
    """
    looked = [Looked.at(model, stimuli, layer, 1) for model in models]
    table = stimuli.table[needed_rows(stimuli)]
    held = ((table["half"] != "choosing") & table["kind"].isin(["rest", "alone"])).to_numpy()
    rows = []
    for name in looked[0].layers:
        caused = [one.findings.caused.query("layer == @name").set_index("au") for one in looked]
        agreement = []
        for au in caused[0].index:
            chosen = [
                one.responses[name][held, int(found.loc[au, "unit"])]
                for one, found in zip(looked, caused, strict=True)
            ]
            agreement += [spearmanr(a, b).statistic for a, b in itertools.combinations(chosen, 2)]
        verdicts = pd.DataFrame([found["verdict"] == "caused" for found in caused])
        overview = [one.findings.overview.query("layer == @name") for one in looked]
        units = [found.query("candidates == 'units'")["auroc"].item() for found in overview]
        rows.append(
            {
                "layer": name,
                "agreement": float(np.mean(agreement)),
                "same verdict": float((verdicts.all() | ~verdicts.any()).mean()),
                "caused in all": int(verdicts.all().sum()),
                "in any": int(verdicts.any().sum()),
                "auroc, least": min(units),
                "most": max(units),
            }
        )
    return pd.DataFrame(rows)


def needed_rows(stimuli: Stimuli) -> np.ndarray:
    """Choose the faces that networks answered to."""
    from facslens.stages.stimulated import needed

    return needed(stimuli)


if __name__ == "__main__":
    main()
