"""Figures of results: each function gives a matplotlib figure, which a notebook shows.

Colours are those of Okabe and Ito (`facslens.colours`). Nothing here imports pyplot or changes a
setting; ``figure.savefig("dose.svg")`` writes a file.
"""

from facslens.plot.results import dose, heatmap, projections, training, tuning, units

__all__ = ["dose", "heatmap", "projections", "training", "tuning", "units"]
