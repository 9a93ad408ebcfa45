"""facslens: which feature map of a face-reading network detects which action unit."""

from facslens.version import __version__

__all__ = ["__version__"]
