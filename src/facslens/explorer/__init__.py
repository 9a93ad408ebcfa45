"""The explorer: every unit, action unit and expression of a run as pages that open anywhere."""
