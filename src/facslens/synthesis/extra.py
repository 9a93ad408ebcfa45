"""The error where a package that draws faces is not installed."""

from facslens.errors import CallError


def not_installed(error: ImportError) -> CallError:
    """Name the extra that brings the missing package."""
    return CallError(
        f"making faces needs the package {error.name}: install the extra by "
        f"`pip install 'facslens[synthetic]'`; the faces in the package need nothing more"
    )
