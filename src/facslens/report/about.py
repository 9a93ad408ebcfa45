"""What the whole page says of itself: whose faces, when, and by which version."""

from dataclasses import dataclass

from facslens.report.section import Page


@dataclass(frozen=True)
class About:
    """The run in a few words; every template knows it as ``about``."""

    dataset: str
    synthetic: bool
    shows_faces: bool
    created: str
    version: str


def build_about(page: Page) -> About:
    """Read the name of the faces, and whether they were drawn."""
    info = page.tables.info
    faces, spec = info.get("faces", {}), str(info.get("data", ""))
    return About(
        dataset=str(faces.get("name") or spec or "faces"),
        synthetic=bool(faces.get("synthetic", spec.split(":")[0] == "synthetic")),
        shows_faces=page.tables.shows_faces,
        created=str(info.get("created", "")),
        version=str(info.get("facslens", "")),
    )
