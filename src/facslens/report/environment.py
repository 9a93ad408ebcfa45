"""How templates of pages are filled in: escaped, strict, with the same filters and tools."""

from typing import Final

import jinja2

from facslens.report import figures
from facslens.report.formats import FILTERS

_TOOLS: Final = (
    figures.at,
    figures.line_path,
    figures.step_path,
    figures.nice_ticks,
    figures.strength,
    figures.hundredths,
)


def environment(loader: jinja2.BaseLoader) -> jinja2.Environment:
    """Make an environment whose templates are found by a loader."""
    made = jinja2.Environment(
        loader=loader,
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(FILTERS)
    made.globals |= {tool.__name__: tool for tool in _TOOLS}
    return made
