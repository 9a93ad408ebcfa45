"""The report of a run: a view model, figures, templates."""
