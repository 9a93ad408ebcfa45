"""Projections inside the windows that their responses can see."""
