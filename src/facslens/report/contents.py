"""Which sections the page has, in their order."""

import pkgutil
from importlib import import_module
from typing import Final

from facslens.report import sections
from facslens.report.section import Section


def _declared() -> list[Section]:
    """Gather what the modules of `facslens.report.sections` declare as ``SECTION``."""
    modules = (
        import_module(f"{sections.__name__}.{found.name}")
        for found in pkgutil.iter_modules(sections.__path__)
    )
    return sorted((module.SECTION for module in modules), key=lambda section: section.order)


#: Every section and part of the page. A new one is a module and a template among the others.
SECTIONS: Final[list[Section]] = _declared()
