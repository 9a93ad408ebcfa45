"""Faces that were not among the stimuli, drawn when they are asked for, and what is answered."""

import base64
import copy
import dataclasses
from collections.abc import Mapping
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import torch
from jaxtyping import UInt8

from facslens.action_units import ACTION_UNITS
from facslens.datasets.stimuli import Stimuli
from facslens.errors import ArtifactError, DataError
from facslens.explorer.explored import Explored
from facslens.explorer.play import Play
from facslens.explorer.script import shorts, thousandths
from facslens.explorer.seen import NOTHING, seen
from facslens.explorer.sheets import sheet
from facslens.models.model import Model
from facslens.models.scale import SCALES
from facslens.preprocess import normalise
from facslens.responses.recorder import peak
from facslens.synthesis.extra import installed

if TYPE_CHECKING:
    from facslens.synthesis.sitting import Sitting
    from facslens.synthesis.stimuli import StimulusOrder

#: Mean difference in grey levels from which on a face at rest is another one than was recorded.
#: On another platform a ray at the edge of a triangle may meet its neighbour.
_ANOTHER: Final = 2.0
#: Most characters by which a face may be asked for: that is each action unit once.
_LONGEST: Final = 512


class Drawing:
    """Draws the people of an experiment with any action units, and asks the run's network.

    The extra ``synthetic`` draws. The people, their settings and the camera are those of the
    stimuli. The network is a copy, so that any thread may ask while others project.

    Parameters
    ----------
    explored
        The run; its network is there.
    play
        The people, and the units that answer.
    order
        By which the stimuli were drawn.
    """

    def __init__(self, explored: Explored, play: Play, order: "StimulusOrder") -> None:
        self._explored, self._play, self._order = explored, play, order
        self._sitting = lru_cache(maxsize=16)(self._sit)

    @classmethod
    def of(cls, explored: Explored, play: Play) -> "Drawing | None":
        """Give what draws; None where the extra is missing, or the network, or the order is."""
        if explored.answered is None or not play.people or not installed():
            return None
        order = _order(explored.answered.stimuli)
        return None if order is None or explored.model is None else cls(explored, play, order)

    def facts(self) -> dict[str, Any]:
        """Say which action units can be drawn, at which grades, and which exclude each other."""
        from facslens.synthesis.actions import AUS, EXCLUDED
        from facslens.synthesis.pairs import GRADES

        return {
            "aus": {
                au: {
                    "name": ACTION_UNITS[au].name,
                    "muscles": ACTION_UNITS[au].muscles,
                    "region": ACTION_UNITS[au].region,
                }
                for au in AUS
            },
            "grades": list(GRADES),
            "excluded": sorted(sorted(pair) for pair in EXCLUDED),
        }

    def face(self, person: str, shown: str) -> dict[str, Any]:
        """Draw a face, and give what the network answers to it.

        Parameters
        ----------
        person
            One of `Play.people`.
        shown
            Its action units and their grades, such as ``AU06=C+AU12=E``; empty at rest.

        Returns
        -------
        dict
            ``face``, a PNG, and ``seen``, a WebP, in base64; ``scores``, ``chances``,
            ``responses`` and ``boxes`` as `Play.answers` has them of a recorded face.

        Raises
        ------
        DataError
            If there is no such person, or the face cannot be drawn.
        CallError
            If a package that draws is not installed.
        ArtifactError
            If the person is drawn otherwise than the stimuli were.
        """
        if person not in self._play.people:
            raise DataError(f"person is {person!r}: expected {', '.join(self._play.people)}")
        grades = _read(shown)
        return self._answer(person, self._sitting(person).draw(grades))

    def _sit(self, person: str) -> "Sitting":
        from facslens.synthesis.sitting import Sitting

        with self._explored.turns.first():
            setting, recorded = self._play.setting(person), self._play.at_rest(person)
        found = Sitting.of(self._order, int(person[1:]), setting)
        again = found.draw({})
        if (
            again.shape != recorded.shape
            or np.abs(again.astype(float) - recorded.astype(float)).mean() > _ANOTHER
        ):
            raise ArtifactError(
                f"{person} is drawn otherwise here than in {self._explored.name}, as by another "
                f"version of facslens: only faces of the stimuli are shown"
            )
        return found

    @cached_property
    def _model(self) -> Model:
        with self._explored.turns.first():
            model = self._explored.model
            assert model is not None
            return dataclasses.replace(model, network=copy.deepcopy(model.network))

    def _answer(self, person: str, picture: UInt8[np.ndarray, "row column *rgb"]) -> dict[str, Any]:
        from facslens.synthesis.generate import encode

        model, play = self._model, self._play
        read = normalise.as_read(normalise.scaled([picture], model.input), model.input)
        listener = model.reading.listener(model.network, list(play.layers), peak)
        with torch.inference_mode():
            found, output = listener(read)
        scores = output.double().numpy()
        scale = SCALES[model.scale]
        projected = NOTHING
        if play.own:
            with self._explored.turns.first():
                limits = play.limits(person)
            units = [one.unit for one in play.own]
            projected = seen(model, [picture], play.own[0].layer, units, play.rule, limits or None)
        layers = self._explored.layers
        return {
            "face": _text(encode(picture, "png")),
            "scores": shorts(scale.centred(scores)[0]),
            "chances": [] if model.scale == "none" else thousandths(scale.chances(scores))[0],
            "responses": {
                str(layers.index(layer)): shorts(found[layer].response[0].astype(float))
                for layer in play.layers
            },
            "seen": _text(sheet(projected.pictures, max(1, len(play.own)), quality=70)),
            "boxes": projected.boxes[0] if projected.boxes else [],
        }


def _order(stimuli: Stimuli) -> "StimulusOrder | None":
    from facslens.synthesis.sitting import order_of  # which needs the extra

    return order_of(stimuli)


def _read(shown: str) -> Mapping[str, str]:
    """Read action units and their grades.

    Raises
    ------
    DataError
        If it is no such list.

    Examples
    --------
    >>> _read("AU06=C+AU12=E"), _read("")
    ({'AU06': 'C', 'AU12': 'E'}, {})
    """
    if len(shown) > _LONGEST:
        raise DataError(f"the face has {len(shown)} characters: expected {_LONGEST} at most")
    parts = [part.partition("=") for part in shown.split("+")] if shown else []
    found = {au: grade for au, _, grade in parts}
    if len(found) < len(parts):
        raise DataError(f"the face is {shown!r}: expected each action unit once")
    return found


def _text(content: bytes) -> str:
    return base64.b64encode(content).decode()
