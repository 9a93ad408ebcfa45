"""What the whole page says of itself: of which network, whose faces, when, and by which version."""

from dataclasses import dataclass

from facslens.report.section import Page


@dataclass(frozen=True)
class About:
    """The run in a few words; every template knows it as ``about``."""

    title: str
    dataset: str
    synthetic: bool
    shows_faces: bool
    audit: bool
    created: str
    version: str


def build_about(page: Page) -> About:
    """Read the name of the faces, and whether they were drawn."""
    info, opened = page.tables.info, page.tables.opened
    faces, spec = info.get("faces", {}), str(info.get("data", ""))
    dataset = str(faces.get("name") or spec or "faces")
    network = str(opened["network"]) if opened else "a network"
    on = f", faces of {dataset}" if spec else ""
    return About(
        title=f"{network}{on}" if page.tables.is_audit else dataset,
        dataset=dataset,
        audit=page.tables.is_audit,
        synthetic=bool(faces.get("synthetic", spec.split(":")[0] == "synthetic")),
        shows_faces=page.tables.shows_faces,
        created=str(info.get("created", "")),
        version=str(info.get("facslens", "")),
    )
