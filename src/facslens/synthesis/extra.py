"""The packages that draw faces: whether they are installed, and the error where one is not."""

from importlib.util import find_spec

from facslens.errors import CallError


def not_installed(error: ImportError) -> CallError:
    """Name the extra that brings the missing package."""
    return CallError(
        f"making faces needs the package {error.name}: install the extra by "
        f"`pip install 'facslens[synthetic]'`; the faces in the package need nothing more"
    )


def installed() -> bool:
    """Tell whether the packages that draw faces are installed, without importing them."""
    return all(find_spec(name) is not None for name in ("anny", "warp"))
