"""The one place that holds the version, and the day of its release."""

__version__ = "0.1.0"

#: As YYYY-MM-DD, as CHANGELOG.md and CITATION.cff (``date-released``) have it; None before it.
RELEASED: str | None = None
