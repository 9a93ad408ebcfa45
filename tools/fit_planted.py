"""Fit the planted filters that the package brings, on faces that it does not.

    python tools/fit_planted.py DIR

DIR is what ``facslens data synth --design factorial`` made with another seed than the faces in
the package; CONTRIBUTING says which. Four fifths of the people fit the filters; on the rest it
is decided which of them follow their action unit.
"""

import sys
from pathlib import Path

import numpy as np
import torch

from facslens.association.distances.table import distances
from facslens.controls.planted import FILE, SIDE, Planted, first_filters, fit_filters, usable
from facslens.datasets.synthetic import read_regions, read_synthetic
from facslens.preprocess import normalise
from facslens.preprocess.fit import centres
from facslens.preprocess.input import grey_contrast

INTO = grey_contrast(48)


def main(folder: Path) -> None:
    """Fit, choose, and write."""
    faces = read_synthetic(folder).faces()
    faces = faces.where((faces.table["frame"] > 0).to_numpy())
    images = torch.cat(list(normalise.batches(list(faces.table["path"]), INTO, 256)))
    subjects = sorted(faces.table["subject"].unique())
    fits = faces.table["subject"].isin(subjects[: len(subjects) * 4 // 5]).to_numpy(dtype=bool)
    stored = read_regions(folder)
    names = faces.table["image"][fits][::10]
    regions = np.stack(
        [np.mean([stored.mask(n, au, *centres(INTO)) for n in names], axis=0) for au in faces.aus]
    )
    presence = faces.presence()
    start = first_filters(images[fits], presence[fits], regions)
    filters = fit_filters(images[fits], presence[fits], start)
    with torch.no_grad():
        rest = images[~fits]
        peaks = torch.nn.functional.conv2d(rest, filters[:, None], padding=SIDE // 2)
    auroc = distances(peaks.amax(dim=(2, 3)).relu().numpy(), presence[~fits], "auroc")[0]
    chosen = usable(auroc, faces.aus)
    for row, au in enumerate(faces.aus):
        print(f"{au} {auroc[row, row]:.3f}{'  planted' if chosen[row] else ''}")
    aus = tuple(au for au, yes in zip(faces.aus, chosen, strict=True) if yes)
    Planted(filters[torch.from_numpy(chosen)], aus).write(FILE)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
