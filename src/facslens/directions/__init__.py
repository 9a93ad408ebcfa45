"""Directions of a layer: which mixtures of its maps are looked at beside the maps themselves."""
