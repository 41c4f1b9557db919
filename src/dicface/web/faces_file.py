"""Restored faces on disk, as numbers: a photo can be blended again without running a model."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from dicface.faces.geometry import Box, Square
from dicface.files import written_whole
from dicface.restoration.quality import QualityWarning
from dicface.restoration.results import Face, Outcome

_ARRAYS = ("landmarks", "steps", "uncertainty")


def write_faces(path: Path, faces: Sequence[Face]) -> None:
    """Write faces to an .npz file."""
    arrays: dict[str, Any] = {}
    rows: list[dict[str, Any]] = []
    for number, face in enumerate(faces):
        for name in _ARRAYS:
            if (values := getattr(face, name)) is not None:
                arrays[f"{number}-{name}"] = values
        rows.append(
            {
                "box": list(face.box),
                "score": face.score,
                "outcome": face.outcome.name,
                "square": list(face.square),
                "quality_warnings": [warning.name for warning in face.quality_warnings],
                "probability": face.probability,
                "number": face.number,
                "strength": face.strength,
                "strength_share": face.strength_share,
                "model": face.model,
                "invents": face.invents,
            }
        )
    with written_whole(path) as part:
        np.savez(part, rows=np.array(json.dumps(rows)), **arrays)


def read_faces(path: Path) -> tuple[Face, ...]:
    """Read what `write_faces` wrote."""
    with np.load(path, allow_pickle=False) as stored:
        rows: list[dict[str, Any]] = json.loads(str(stored["rows"]))
        return tuple(
            Face(
                Box(*row["box"]),
                row["score"],
                Outcome[row["outcome"]],
                Square(*row["square"]),
                quality_warnings=tuple(QualityWarning[name] for name in row["quality_warnings"]),
                probability=row["probability"],
                number=row["number"],
                strength=row["strength"],
                strength_share=row["strength_share"],
                model=row["model"],
                invents=row["invents"],
                **{name: stored[key] for name in _ARRAYS if (key := f"{number}-{name}") in stored},
            )
            for number, row in enumerate(rows)
        )
