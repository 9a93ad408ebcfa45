"""Read the results of a run: each file once, and only if it has not changed."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pandas as pd

from facslens.artifacts import Json, read_json
from facslens.association.discovery.result import Association
from facslens.datasets.base import Faces, make_table
from facslens.datasets.coding import codings_of
from facslens.errors import ArtifactError, CallError
from facslens.models.device import on_device
from facslens.models.directions import WEIGHTS, read_directions
from facslens.models.initial import digest
from facslens.models.model import Model, load
from facslens.responses.store import Responses
from facslens.runs import parts, selection
from facslens.runs.files import CHECKPOINTS, checkpoint_name
from facslens.runs.folder import Run
from facslens.runs.settings import Settings
from facslens.runs.shown import run_html
from facslens.runs.tables import TABLES, read_run_table


@dataclass(frozen=True)
class RunRecord:
    """The results of a run, each read when it is first used.

    Every attribute raises an `ArtifactError` if its stage has not been run, if it is out of date,
    or if the file has changed since the stage wrote it.

    Parameters
    ----------
    run
        The run.
    outdated
        Whether files that are out of date are read, too: the report shows and marks them.
    """

    run: Run
    outdated: bool = False

    @classmethod
    def open(cls, folder: str | Path) -> "RunRecord":
        """Open a run's folder."""
        return cls(Run.open(Path(folder)))

    @cached_property
    def info(self) -> Json:
        """``run.json``: how the run was made."""
        return self.run.info

    @cached_property
    def settings(self) -> Settings:
        """The settings of the run."""
        return Settings.of(self.run)

    @cached_property
    def seed(self) -> int:
        """The seed of all random numbers."""
        return int(self.info["seed"])

    def has(self, name: str) -> bool:
        """Tell whether a file's stage has written it."""
        return self.run.has(name)

    def path(self, name: str) -> Path:
        """Give the path of a file, after checking it."""
        return self.run.read(name) if self.outdated and self.has(name) else self.run.need(name)

    def table(self, name: str) -> pd.DataFrame:
        """Read a table, with the types that it was written with."""
        return read_run_table(self.path(name), name)

    def check(self, name: str) -> pd.DataFrame:
        """Read the result of a check of `facslens verify`."""
        return self.table(f"verify/{name}.csv")

    @cached_property
    def faces(self) -> Faces:
        """All faces, with their split, and who coded them."""
        about = self.info["faces"]
        table = make_table(self.table("faces.parquet"))
        return Faces(table, about["name"], codings=codings_of(about.get("codings")))

    @cached_property
    def model(self) -> Model:
        """The network: trained, or of an audit kept or opened again; with directions, if any."""
        self.path("model.json")
        if self.run.is_audit and not self.has("model.safetensors") and self.has("network.json"):
            model = self._opened_again()
        else:
            self.path("model.safetensors")
            model = load(self.run.folder)
        if self.settings.units != "channels":
            model = read_directions(model, self.path(WEIGHTS).parent)
        return on_device(model, self.run.device)

    def _opened_again(self) -> Model:
        """Open the network of an audit that does not keep it, and see that it is the same."""
        if self.run.network is None:
            raise ArtifactError(
                f"{self.run.folder} does not keep its network, {self.opened['network']}: open it "
                f"where it came from"
            )
        model = self.run.network()
        if digest(model) != self.opened["digest"]:
            raise ArtifactError(
                f"the network {self.opened['network']} has changed since {self.run.folder} was "
                f"made: audit it again into a new folder"
            )
        return model

    @cached_property
    def opened(self) -> Json:
        """``network.json``: what the network of an audit is, and how it was opened."""
        return read_json(self.path("network.json"))

    @cached_property
    def layers(self) -> tuple[str, ...]:
        """Names of the layers that were recorded, or that an audit without faces looks at."""
        if self.run.is_audit and not self.has("responses.zarr"):
            return tuple(self.opened["layers"])
        return tuple(self.responses.layers)

    @cached_property
    def checkpoints(self) -> tuple[int, ...]:
        """The epochs after which the training kept its network, in rising order."""
        if self.run.is_audit:
            raise CallError(
                f"{self.run.folder} is an audit, whose network was trained elsewhere: no network "
                f"along its training is known"
            )
        if not self.has(CHECKPOINTS):
            raise CallError(
                f"{self.run.folder} keeps no network along its training: train it again with "
                f"`facslens train {self.run.folder} --checkpoints 0,1,2,4`"
            )
        names = [file.stem for file in self.path(CHECKPOINTS).glob("*.safetensors")]
        return tuple(sorted(int(name) for name in names if name.isdecimal()))

    def checkpoint(self, epoch: int) -> Model:
        """Read the network after an epoch of `checkpoints`."""
        self.path("model.json")
        model = load(self.run.folder, f"{CHECKPOINTS}/{checkpoint_name(epoch)}")
        return on_device(model, self.run.device)

    @cached_property
    def description(self) -> Json:
        """``model.json``: what the network is and how it was trained."""
        return read_json(self.path("model.json"))

    @cached_property
    def training(self) -> pd.DataFrame:
        """Loss and accuracy by epoch."""
        return self.table("training.csv")

    @cached_property
    def predictions(self) -> pd.DataFrame:
        """The network's probabilities for every face."""
        return self.table("predictions.parquet")

    @cached_property
    def responses(self) -> Responses:
        """The response of every unit to every face, in the order of the faces."""
        stored = Responses.open(self.path("responses.zarr"))
        return stored.aligned(self.faces.table["image"])

    @cached_property
    def exemplars(self) -> pd.DataFrame:
        """The faces that each unit responds to most."""
        table = self.table("exemplars.parquet")
        unknown = table.loc[~table["image"].isin(self.faces.table["image"]), "image"]
        if len(unknown):
            raise ArtifactError(
                f"{self.run / 'exemplars.parquet'} names the image {unknown.iloc[0]!r}, which is "
                f"none of the run's faces"
            )
        return table

    @cached_property
    def association(self) -> Association:
        """Distances and tests of every unit with every action unit."""
        return Association.of_tables({name: self.table(file) for name, file in TABLES.items()})

    @cached_property
    def mapping(self) -> pd.DataFrame:
        """The mapping of units to action units and back, by the test and by distance."""
        mapping = self.table("mapping.csv")
        pairs = mapping.dropna(subset=["unit"])[["layer", "unit"]].drop_duplicates()
        known = set(self.units[["layer", "unit"]].itertuples(index=False, name=None))
        for layer, unit in pairs.itertuples(index=False, name=None):
            if (layer, unit) not in known:
                raise ArtifactError(
                    f"{self.run / 'mapping.csv'} names unit {unit} of {layer}, which units.csv "
                    f"does not have"
                )
        return mapping

    @cached_property
    def coverage(self) -> pd.DataFrame:
        """How many faces show each action unit, and whether they are enough."""
        return self.table("coverage.csv")

    @cached_property
    def units(self) -> pd.DataFrame:
        """Which units are live."""
        return self.table("units.csv")

    @cached_property
    def confounds(self) -> pd.DataFrame:
        """Which action units occur together."""
        return self.table("confounds.csv")

    @cached_property
    def verdicts(self) -> pd.DataFrame:
        """The verdict for each action unit and layer, in a sentence."""
        return self.table("verdicts.csv")

    @cached_property
    def contrast(self) -> pd.DataFrame:
        """How the first units' responses change from neutral to peak."""
        return self.table("contrast.csv")

    @cached_property
    def projections(self) -> pd.DataFrame:
        """Which picture in ``projections/`` shows what."""
        name = "projections/index.csv"
        return read_run_table(self.path("projections") / "index.csv", name)

    @property
    def discovery(self) -> parts.FacesOfPart:
        """The faces on which the mapping was chosen."""
        return parts.discovery(self.faces, self.settings.neutral)

    @property
    def confirmation(self) -> parts.FacesOfPart:
        """The faces on which the mapping is confirmed."""
        return parts.confirmation(self.faces, self.settings.neutral)

    def accepted(self, layer: str) -> dict[str, list[int]]:
        """Give the accepted units of each action unit in a layer, best first."""
        return selection.accepted(self.mapping, layer, self.faces.aus)

    def _repr_html_(self) -> str:
        """Show in a notebook what made the run, its stages, and its mapping with the verdicts."""
        return run_html(self)
