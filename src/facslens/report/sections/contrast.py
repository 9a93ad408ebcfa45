"""What is left when every face is its own control."""

from dataclasses import dataclass
from typing import Final

from facslens.report.section import Page, Section


@dataclass(frozen=True)
class Contrast:
    """How the first units' responses change from a neutral face to the peak, in the last layer."""

    layer: str
    mapped: int
    asked: int
    larger: int


def build_contrast(page: Page) -> Contrast | None:
    """Count the changes from neutral to peak; None where no sequence begins at rest."""
    tables = page.tables
    table = tables.contrast
    if table is None or table.empty:
        return None
    layer = str(table["layer"].iloc[-1])
    own = table[table["layer"] == layer]
    asked = own["status"] != "not enough data"
    return Contrast(layer, len(own), int(asked.sum()), int((own["status"] == "larger").sum()))


SECTION: Final = Section(
    order=41,
    anchor="contrast",
    heading="",
    template="contrast.html",
    build=build_contrast,
    part_of="evidence",
    downloads={
        "contrast.csv": "responses from neutral to peak, where sequences begin with a neutral face"
    },
)
