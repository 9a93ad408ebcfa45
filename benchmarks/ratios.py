"""What every benchmark of speed shows: a table, and the same rows as JSON where asked for."""

import json
import os
import platform
from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import Path

Row = Mapping[str, str | float]


def show(rows: Sequence[Row], file: Path | None = None) -> None:
    """Print rows of equal columns as a table in Markdown; write them and the machine as JSON."""
    columns = list(rows[0])
    print(f"| {' | '.join(columns)} |\n|{' --- |' * len(columns)}")
    for row in rows:
        print(f"| {' | '.join(_cell(row[column]) for column in columns)} |")
    if file is not None:
        found = {"machine": machine(), "rows": [dict(row) for row in rows]}
        file.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def machine() -> dict[str, str | float]:
    """Tell on what was measured, and how busy it was."""
    return {
        "processor": platform.machine(),
        "cores": os.cpu_count() or 1,
        "load": round(os.getloadavg()[0], 2),
        "python": platform.python_version(),
        **{name: metadata.version(name) for name in ("numpy", "torch")},
    }


def _cell(value: str | float) -> str:
    return value if isinstance(value, str) else f"{value:.4g}"
