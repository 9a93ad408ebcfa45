"""The tables to go on with, and what made them."""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from facslens.report.downloads import Download, build_downloads
from facslens.report.formats import DASH
from facslens.report.section import Page, Section
from facslens.report.tables import number

#: Settings that an audit has no use for.
_OF_TRAINING: Final = ("model", "init", "size", "recipe", "checkpoints")


@dataclass(frozen=True)
class StageRow:
    """One stage of the run and what became of it."""

    name: str
    status: str
    started: str
    seconds: float


@dataclass(frozen=True)
class Provenance:
    """What made the run: enough to make it again."""

    command: str
    data: str
    seed: int
    digest: str
    created: str
    platform: tuple[tuple[str, str], ...]
    settings: tuple[tuple[str, str], ...]
    stages: tuple[StageRow, ...]


def _provenance(page: Page) -> Provenance:
    info = page.tables.info
    return Provenance(
        command=shlex.join(str(word) for word in info.get("command", [])),
        data=str(info.get("data", "")),
        seed=int(info.get("seed", 0)),
        digest=str(info.get("faces", {}).get("digest") or ""),
        created=str(info.get("created", "")),
        platform=_pairs(info.get("platform", {})),
        settings=_pairs(
            {
                name: value
                for name, value in info.get("settings", {}).items()
                if not (page.tables.is_audit and name in _OF_TRAINING)
            }
        ),
        stages=tuple(
            StageRow(
                name=str(name),
                status=str(entry.get("status", "")),
                started=str(entry.get("started", "")),
                seconds=number(entry, "seconds"),
            )
            for name, entry in info.get("stages", {}).items()
            if name != "report"
        ),
    )


def _pairs(entries: Mapping[str, object]) -> tuple[tuple[str, str], ...]:
    """Flatten nested entries to names with dots and values as text."""
    pairs: list[tuple[str, str]] = []
    for name, value in entries.items():
        if isinstance(value, Mapping):
            pairs += [(f"{name}.{inner}", text) for inner, text in _pairs(value)]
        else:
            pairs.append((str(name), DASH if value is None else str(value)))
    return tuple(pairs)


@dataclass(frozen=True)
class Files:
    """What there is to download, and where it comes from."""

    downloads: tuple[Download, ...]
    provenance: Provenance


def build_files(page: Page) -> Files:
    """List the tables and slides, and how to make the run again."""
    return Files(page.of(build_downloads), _provenance(page))


def write_files(page: Page) -> dict[str, bytes]:
    """Give the downloads themselves."""
    return {one.href: one.content for one in page.of(build_downloads)}


SECTION: Final = Section(
    order=140,
    anchor="files",
    heading="Files and provenance",
    title="Files",
    template="files.html",
    build=build_files,
    files=write_files,
)
