"""From images to units of analysis: one row a sequence, so that near-duplicates count once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from jaxtyping import Float, Int

from facslens import action_units
from facslens.association.columns import Columns, Matrix, take
from facslens.association.rows import check_rows
from facslens.errors import CallError

#: A value for every image; an index of a series names its images.
Column = Sequence[object] | np.ndarray | pd.Series


@dataclass(frozen=True)
class Sample:
    """Responses and labels with one row per unit of analysis.

    Parameters
    ----------
    responses
        Mean response over the sequence's images; float64, (sequence, unit).
    labels
        1 present, 0 absent, NaN unknown; (sequence, au).
    subject, strata
        Number of the subject and of the stratum of each row, or None where not given.
    """

    responses: Float[np.ndarray, "sequence unit"]
    labels: Float[np.ndarray, "sequence au"]
    subject: Int[np.ndarray, " sequence"] | None
    strata: Int[np.ndarray, " sequence"] | None


@dataclass(frozen=True)
class Sequences:
    """What a `Sample` is without its responses, and how these are averaged.

    Parameters
    ----------
    labels, subject, strata
        As in `Sample`.
    rows
        Where each sequence's images lie.
    """

    labels: Float[np.ndarray, "sequence au"]
    subject: Int[np.ndarray, " sequence"] | None
    strata: Int[np.ndarray, " sequence"] | None
    rows: "_Rows"

    def average(self, responses: Matrix, first: int = 0) -> Float[np.ndarray, "sequence unit"]:
        """Average responses over the images of each sequence.

        Parameters
        ----------
        responses
            (image, unit), finite: all units, or some of them that follow each other.
        first
            Column of the first of these, for the message.

        Raises
        ------
        CallError
            If a response is not finite.
        """
        values = _matrix(responses, "responses")
        if not np.isfinite(values).all():
            row, unit = np.argwhere(~np.isfinite(values))[0]
            raise CallError(
                f"responses is {values[row, unit]} at image {row}, unit {first + unit}: every "
                f"response needs to be a finite number"
            )
        return self.rows.average(values)


def make_sample(
    responses: Matrix | Columns,
    labels: Matrix,
    *,
    sequence: Column | None = None,
    subject: Column | None = None,
    strata: Column | None = None,
) -> Sample:
    """Check the arrays of a call and average the images of each sequence.

    Parameters
    ----------
    responses
        (image, unit), finite.
    labels
        (image, au): 0, 1, or NaN where unknown.
    sequence
        Name of each image's sequence, (image,). An image whose sequence is missing is a
        sequence of its own, and so is every image where None is given. Rows are sorted by
        name, so that no result depends on the order of the images.
    subject, strata
        One value an image, equal within a sequence.

    Raises
    ------
    CallError
        If lengths or indexes differ (see `check_rows`), a response is not finite, a label is
        not 0, 1 or NaN, or a label, subject or stratum changes within a sequence. A label known
        for some images of a sequence holds for all of them.

    Examples
    --------
    >>> sample = make_sample(
    ...     np.array([[1.0], [4.0], [2.0]]),
    ...     np.array([[1], [0], [1]]),
    ...     sequence=["a", "b", "a"],
    ... )
    >>> sample.responses.ravel(), sample.labels.ravel()
    (array([1.5, 4. ]), array([1., 0.]))
    """
    sequences = make_sequences(responses, labels, sequence=sequence, subject=subject, strata=strata)
    if not isinstance(responses, np.ndarray | pd.DataFrame):
        responses = take(responses, np.arange(responses.shape[1]))
    return Sample(
        responses=sequences.average(responses),
        labels=sequences.labels,
        subject=sequences.subject,
        strata=sequences.strata,
    )


def make_sequences(
    responses: Matrix | Columns,
    labels: Matrix,
    *,
    sequence: Column | None = None,
    subject: Column | None = None,
    strata: Column | None = None,
) -> Sequences:
    """Do what `make_sample` does, but leave the responses where they are.

    Nothing but the shape of `responses` is looked at, so that they can be averaged later, some
    units at a time.
    """
    check_rows(
        {
            "responses": responses,
            "labels": labels,
            "sequence": sequence,
            "subject": subject,
            "strata": strata,
        }
    )
    presence = _matrix(labels, "labels")
    images = _shape(responses, "responses")[0]
    if len(presence) != images:
        raise CallError(
            f"labels has {len(presence)} rows and responses {images}: both need one row an image"
        )
    wrong = ~((presence == 0) | (presence == 1) | np.isnan(presence))
    if wrong.any():
        row, au = np.argwhere(wrong)[0]
        raise CallError(
            f"labels is {presence[row, au]:g} at image {row}, column {au}: needs 1 (present), "
            f"0 (absent) or NaN (unknown)"
        )
    codes = _sequence_codes(sequence, images)
    order = np.argsort(codes, kind="stable")
    starts = np.flatnonzero(np.diff(codes[order], prepend=-1))
    ends = np.append(starts[1:], images) - 1
    rows = _Rows(codes, order, starts)
    return Sequences(
        labels=rows.labels(presence),
        subject=rows.one(subject, "subject", ends),
        strata=rows.one(strata, "strata", ends),
        rows=rows,
    )


@dataclass(frozen=True)
class Part:
    """Faces of one part of the subjects, as `associate` and `confirm` take them.

    Parameters
    ----------
    responses
        (image, unit) for every layer, by its name.
    labels
        (image, au): 1, 0 or NaN; the columns name the AUs.
    sequence, subject
        One value an image.
    """

    responses: Mapping[str, Matrix | Columns]
    labels: pd.DataFrame
    sequence: pd.Series
    subject: pd.Series

    def sample(self, layer: str, units: Int[np.ndarray, " unit"] | None = None) -> Sample:
        """Average one layer, or some of its units, over the sequences."""
        whole = self.responses[layer]
        return make_sample(
            whole if units is None else take(whole, units),
            self.labels,
            sequence=self.sequence,
            subject=self.subject,
        )


def blocks(
    *numbers: Int[np.ndarray, " row"] | None,
) -> Int[np.ndarray, " row"] | None:
    """Cross several partitions of the rows: one number for every combination that occurs.

    Examples
    --------
    >>> blocks(np.array([0, 0, 1, 1]), None, np.array([7, 8, 8, 8]))
    array([0, 1, 2, 2])
    """
    given = [n for n in numbers if n is not None]
    if not given:
        return None
    _, crossed = np.unique(np.stack(given, axis=1), axis=0, return_inverse=True)
    return np.asarray(crossed.reshape(-1))


def au_codes(labels: Matrix, aus: Sequence[str | int] | None = None) -> list[str]:
    """Name the columns of a label matrix.

    Parameters
    ----------
    labels
        (image, au). A data frame's columns must spell AUs.
    aus
        Spelling of each column, before those of the data frame. An array without it has the
        names ``"0"``, ``"1"`` …

    Raises
    ------
    CallError
        If a spelling is not known, stands twice, or their number is wrong.

    Examples
    --------
    >>> au_codes(np.zeros((3, 2)), ["au1", 12]), au_codes(np.zeros((3, 2)))
    (['AU01', 'AU12'], ['0', '1'])
    """
    columns = np.shape(labels)[1]
    if aus is not None:
        codes = [action_units.parse(au) for au in aus]
    elif isinstance(labels, pd.DataFrame):
        codes = [action_units.parse(str(column)) for column in labels.columns]
    else:
        codes = [str(column) for column in range(columns)]
    if len(codes) != columns:
        raise CallError(f"aus names {len(codes)} AUs, but labels has {columns} columns")
    twice = [code for code in codes if codes.count(code) > 1]
    if twice:
        raise CallError(f"aus names {twice[0]} twice: each label column needs its own AU")
    return codes


@dataclass(frozen=True)
class _Rows:
    """Where each sequence's images lie once they are sorted by sequence."""

    codes: np.ndarray
    order: np.ndarray
    starts: np.ndarray

    def average(self, values: np.ndarray) -> np.ndarray:
        if len(self.starts) == len(self.order):  # one image each
            sorted_already = (np.diff(self.order) == 1).all()
            return values if sorted_already else values[self.order]
        size = np.diff(self.starts, append=len(self.order))
        sums: np.ndarray = np.add.reduceat(values[self.order], self.starts, axis=0)
        return sums / size[:, None]

    def labels(self, presence: np.ndarray) -> np.ndarray:
        ordered = presence[self.order]
        high = np.fmax.reduceat(ordered, self.starts, axis=0)
        low = np.fmin.reduceat(ordered, self.starts, axis=0)
        differ = high > low
        if differ.any():
            row, au = np.argwhere(differ)[0]
            images = np.flatnonzero(self.codes == self.codes[self.order[self.starts[row]]])
            raise CallError(
                f"labels column {au} is both 0 and 1 for the images "
                f"{', '.join(map(str, images[:5]))} of one sequence: frames of one video are no "
                f"independent observations, so all images of a sequence need the same label"
            )
        return high

    def one(
        self,
        values: Column | None,
        argument: str,
        ends: np.ndarray,
    ) -> np.ndarray | None:
        if values is None:
            return None
        found, _ = _factorize(values, argument, len(self.codes))
        if (found < 0).any():
            raise CallError(
                f"{argument} is missing for image {np.flatnonzero(found < 0)[0]}: "
                f"needs a value for every image"
            )
        ordered = found[self.order]
        low = np.minimum.reduceat(ordered, self.starts)
        high = np.maximum.reduceat(ordered, self.starts)
        if (low != high).any():
            image = self.order[ends[np.flatnonzero(low != high)[0]]]
            raise CallError(
                f"{argument} changes within the sequence of image {image}: "
                f"needs one value a sequence"
            )
        return low


def _matrix(values: Matrix, argument: str) -> np.ndarray:
    try:
        matrix = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise CallError(f"{argument} holds something that is no number: {error}") from error
    _shape(matrix, argument)
    return matrix


def _shape(values: Matrix | Columns, argument: str) -> tuple[int, ...]:
    shape = values.shape
    if len(shape) != 2 or 0 in shape:
        raise CallError(
            f"{argument} has the shape {shape}: needs two axes, images and columns, "
            f"and at least one of each"
        )
    return shape


def _sequence_codes(sequence: Column | None, images: int) -> np.ndarray:
    if sequence is None:
        return np.arange(images)
    codes, known = _factorize(sequence, "sequence", images)
    alone = codes < 0
    codes[alone] = known + np.arange(alone.sum())
    return codes


def _factorize(values: Column, argument: str, images: int) -> tuple[np.ndarray, int]:
    if len(values) != images:
        raise CallError(
            f"{argument} has {len(values)} values for {images} images: needs one for each"
        )
    codes, names = pd.factorize(pd.Series(list(values), dtype=object), sort=True)
    return codes.astype(np.intp), len(names)
