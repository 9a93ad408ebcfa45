"""Ablation: how the network's output changes without the units that were mapped."""
