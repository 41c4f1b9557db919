"""Rows of reports."""

from typing import Any

from dicface.restoration.results import Face


def face_row(face: Face) -> dict[str, Any]:
    """A face's part of the report, JSON-ready; see `FileResult.report_row`."""
    return {
        "number": face.number,
        "box": [round(edge, 2) for edge in face.box],
        "score": face.score,
        "probability": None if face.probability is None else round(face.probability, 4),
        "outcome": face.outcome.name.lower(),
        "reason": face.outcome.value,
        "size_px": round(face.size_px, 2),
        "strength": round(face.strength, 3),
        "strength_share": round(face.strength_share, 3),
        "model": face.model or None,
        "invented_detail": None if face.invented_detail is None else round(face.invented_detail, 3),
        "crop": {"left": face.square.left, "top": face.square.top, "side": face.square.side},
        "landmarks": None if face.landmarks is None else face.landmarks.astype(float).round(2).tolist(),
        "quality_warnings": [
            {"kind": warning.name.lower(), "reason": warning.value} for warning in face.quality_warnings
        ],
        "uncertainty": None if face.uncertainty is None else round(float(face.uncertainty.mean()), 2),
    }


def without_landmarks(row: dict[str, Any]) -> dict[str, Any]:
    """A `FileResult.report_row` without the landmarks of its faces, which are most of it."""
    faces = [{name: value for name, value in face.items() if name != "landmarks"} for face in row["faces"]]
    return row | {"faces": faces}
