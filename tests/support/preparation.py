"""Calls of `prepare` on small folders."""

from pathlib import Path
from typing import Any

from dicface.preparation.assignment import Selection
from dicface.preparation.cutting import Recipe
from dicface.preparation.prepare import Preparation, list_photos, prepare
from dicface.preparation.results import Results, Written


def into(folder: Path, selection: Selection | None = None, **settings: Any) -> Results:
    """Where results go: d.parquet, d.skipped.csv and d.faces.csv of a folder."""
    sides = (selection or Selection()).splits
    return Results(folder / "d.parquet", folder / "d.skipped.csv", sides, faces=folder / "d.faces.csv", **settings)


def run(folder: Path, out: Path, selection: Selection | None = None, **more: Any) -> Written:
    """Prepare the photos of a folder in parts of three."""
    results = into(out, selection)
    preparation = Preparation(more.pop("recipe", Recipe()), selection or Selection(), more.pop("landmarks", "pts"))
    return prepare(list_photos([folder], results), results, preparation, part_photos=3, **more)
