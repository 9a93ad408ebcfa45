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
from torch import Tensor

from facslens.causal.cut import cut_at
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


def of_layer(table: pd.DataFrame, layer: str) -> pd.DataFrame:
    """Give a layer's rows."""
    return table[table["layer"] == layer]


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
        own = of_layer(looked.findings.overview, name).set_index("candidates")
        chosen = of_layer(looked.findings.caused, name).set_index("au")["unit"]
        gone = through(looked.model, name, pairs, chosen)
        rows.append(
            {
                "layer": name,
                "candidates": looked.responses[name].shape[1],
                "auroc": own.loc["units", "auroc"],
                "wins": own.loc["units", "wins"],
                "caused": own.loc["units", "n_caused"],
                "untrained auroc": own.loc["untrained", "auroc"],
                "untrained wins": own.loc["untrained", "wins"],
                "gone with one": gone.one[0],
                "of the change": gone.one[1],
                "gone with all": gone.all_[0],
                "of it": gone.all_[1],
            }
        )
    return pd.DataFrame(rows)


@dataclass(frozen=True)
class Through:
    """What is gone of an action unit's effect where some candidates are put back to rest.

    ``one`` is that of the action unit's own candidate, ``all_`` that of the candidates of all
    action units together; each is a share of the effect on the expression that the action unit
    raises most, and a share of the squared change of the layer's maps that was undone.
    """

    one: tuple[float, float]
    all_: tuple[float, float]


def through(model: Model, layer: str, pairs: Pairs, chosen: pd.Series) -> Through:
    """Put chosen candidates back to rest; means over action units, of the measuring people."""
    cut, back = cut_at(model.network, layer, pairs.rest(True)), pseudo_inverse(model, layer)
    rest = {half: cut.hold(pairs.rest(half)) for half in (True, False)}
    channels = f"channels.{layer.removeprefix('channels.').partition(':')[0]}"
    whole = cut_at(model.network, channels, pairs.rest(True))
    still = whole.hold(pairs.rest(False)).maps.double().numpy()
    found = []
    for au, name in enumerate(pairs.trials.aus):
        shown = {half: cut.hold(pairs.shown(au, half)) for half in (True, False)}
        raised = (centred(shown[True].scores) - centred(rest[True].scores)).mean(axis=0).argmax()
        effect = (centred(shown[False].scores) - centred(rest[False].scores))[:, raised].mean()
        sets = np.zeros((2, shown[False].maps.shape[1]), dtype=bool)
        sets[0, int(chosen[name])] = sets[1, chosen.astype(int)] = True
        scores = centred(patched(cut, shown[False], rest[False].maps, sets))
        left = (scores - centred(rest[False].scores))[:, :, raised].mean(axis=1)
        change = (shown[False].maps - rest[False].maps).double().numpy()
        moved = whole.hold(pairs.shown(au, False)).maps.double().numpy() - still
        undone = [
            (np.einsum("ud,idrc->iurc", back[:, some], change[:, some]) ** 2).sum() for some in sets
        ]
        found.append([1 - left / effect, np.array(undone) / (moved**2).sum()])
    (one, all_), (of_one, of_all) = np.mean(found, axis=0)
    return Through((one, of_one), (all_, of_all))


def pseudo_inverse(model: Model, layer: str) -> np.ndarray:
    """Give what each candidate's map adds to the maps of the layer's units; (unit, candidate)."""
    if layer.startswith("channels."):
        return np.eye(model.reading.layers[layer].units)
    name, _, kind = layer.rpartition(":")
    found: np.ndarray = np.linalg.pinv(model.network.mixtures[name][kind].weight)
    return found


def centred(scores: np.ndarray | Tensor) -> np.ndarray:
    """Give scores less their mean over classes."""
    values = np.asarray(scores, dtype=np.float64)
    return values - values.mean(axis=-1, keepdims=True)


def stable(models: list[Model], stimuli: Stimuli, layer: str) -> pd.DataFrame:
    """Compare networks that differ in their seed alone, by what is chosen for each action unit.

    Returns
    -------
    pandas.DataFrame
        ``agreement``: of what two networks have for the same action unit, the correlation of how
        much it changes under each of all action units, on people who had no part in the choice;
        mean over action units and pairs of networks. ``same verdict``: the share of action units
        of which all networks say the same, and ``caused in all`` and ``in any`` how many are
        caused.
    """
    looked = [Looked.at(model, stimuli, layer, 1) for model in models]
    rows = []
    for name in looked[0].layers:
        caused = [of_layer(one.findings.caused, name).set_index("au") for one in looked]
        tuned = [tuning(one.findings, name) for one in looked]
        agreement = [
            np.corrcoef(one[au], other[au])[0, 1]
            for one, other in itertools.combinations(tuned, 2)
            for au in one
        ]
        verdicts = pd.DataFrame([found["verdict"] == "caused" for found in caused])
        overview = [of_layer(one.findings.overview, name) for one in looked]
        units = [one.loc[one["candidates"] == "units", "auroc"].item() for one in overview]
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


def tuning(findings: Findings, layer: str) -> dict[str, np.ndarray]:
    """Give, by action unit, by how much what was chosen for it changes under each action unit."""
    every = of_layer(findings.tuning, layer).pivot_table("change", "unit", "au")
    chosen = of_layer(findings.caused, layer).set_index("au")["unit"]
    return {au: every.loc[int(unit)].to_numpy() for au, unit in chosen.items()}


if __name__ == "__main__":
    main()
