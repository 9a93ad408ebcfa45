"""What is left when every face is its own control."""

from facslens.report.checks import Contrast
from facslens.report.tables import RunTables


def build_contrast(tables: RunTables) -> Contrast | None:
    """Count the changes from neutral to peak; None where no sequence begins at rest."""
    table = tables.contrast
    if table is None or table.empty:
        return None
    layer = str(table["layer"].iloc[-1])
    own = table[table["layer"] == layer]
    asked = own["status"] != "not enough data"
    return Contrast(layer, len(own), int(asked.sum()), int((own["status"] == "larger").sum()))
