"""The hyperparameters with which a network is trained."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from facslens.errors import CallError
from facslens.preprocess.augment import Augmentation

#: Faces, counted anew in every pass, after which the network changes little.
SHOWN: Final = 20_000


@dataclass(frozen=True)
class Recipe:
    """The hyperparameters of a training.

    Parameters
    ----------
    epochs
        Passes over the training part. None: as many as show about `SHOWN` faces, but no fewer
        than 8 and no more than 30.
    batch_size
        Faces in one step.
    learning_rate
        Its largest value; it rises over the first steps and then falls as a half cosine.
    weight_decay
        Of AdamW.
    label_smoothing
        Share of the target spread evenly over all expressions.
    average
        Decay of the exponential moving average of the weights; the averaged weights are validated
        and kept.
    patience
        Epochs without a better validation after which training stops; None never stops.
    augmentation
        Random changes of the faces.

    References
    ----------
    AdamW [loshchilov2019]_; label smoothing [szegedy2016]_.
    """

    epochs: int | None = None
    batch_size: int = 32
    learning_rate: float = 1e-3
    weight_decay: float = 0.01
    label_smoothing: float = 0.1
    average: float = 0.98
    patience: int | None = None
    augmentation: Augmentation = field(default_factory=Augmentation)

    @classmethod
    def of(cls, entries: Mapping[str, Any]) -> "Recipe":
        """Make a recipe of plain values, as `dataclasses.asdict` gives them."""
        return cls(**{**entries, "augmentation": Augmentation(**entries["augmentation"])})

    def changed(self, *, epochs: int | None, patience: int | None = None) -> "Recipe":
        """Give the recipe with the numbers replaced that are not None."""
        return replace(
            self,
            epochs=self.epochs if epochs is None else epochs,
            patience=self.patience if patience is None else patience,
        )

    def settled(self, faces: int) -> "Recipe":
        """Give the recipe with its epochs filled in, for a training part of so many faces.

        Examples
        --------
        >>> [Recipe().settled(faces).epochs for faces in (500, 1600, 20_000)]
        [30, 12, 8]
        """
        usual = min(30, max(8, round(SHOWN / max(faces, 1))))
        return self if self.epochs is not None else replace(self, epochs=usual)

    def __post_init__(self) -> None:
        if self.epochs is not None and self.epochs < 1:
            raise CallError(f"epochs is {self.epochs}: at least one is needed")
        if self.batch_size < 2:
            raise CallError(f"batch_size is {self.batch_size}: at least two faces are needed")
        if not self.learning_rate > 0:
            raise CallError(f"learning_rate is {self.learning_rate}: it has to be above 0")


#: Where the weights are another model's already: few passes, over faces that are changed more,
#: for such a network soon knows those it is shown. Chosen on validation folds.
FINE_TUNING: Final = Recipe(
    epochs=12, augmentation=Augmentation(rotation=10.0, scale=1.15, shift=0.05, gamma=0.3)
)


def recipe_for(fine_tuning: bool) -> Recipe:
    """Give the usual recipe of a training that begins from another model, or from a seed."""
    return FINE_TUNING if fine_tuning else Recipe()
