"""The JSON report of a restoration."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dicface.files import file_digest
from dicface.pipeline.faces import Face, Restoration
from dicface.xmp import Mark


def _face(face: Face) -> dict[str, Any]:
    return {
        "box": [round(edge, 2) for edge in face.box],
        "score": face.score,
        "outcome": face.outcome.name.lower(),
        "reason": face.outcome.value,
        "crop": {"left": face.square.left, "top": face.square.top, "side": face.square.side},
        "landmarks": None if face.landmarks is None else face.landmarks.astype(float).round(2).tolist(),
        "doubts": [{"kind": doubt.name.lower(), "reason": doubt.value} for doubt in face.doubts],
        "uncertainty": None if face.uncertainty is None else round(float(face.uncertainty.mean()), 2),
    }


def photo_report(
    source: Path,
    target: Path,
    restoration: Restoration,
    mark: Mark,
    scale: float,
    notes: tuple[str, ...],
    stages_s: Mapping[str, float],
) -> dict[str, Any]:
    """What was found in one photo and what became of it.

    Args:
        source, target: input and output file.
        restoration: the result.
        mark: what the output says about itself, unless it was told not to.
        scale: enlargement that was asked for.
        notes: on reading and writing the photo.
        stages_s: seconds that each stage took; other photos may have been worked on meanwhile.

    Returns:
        JSON-ready. Boxes are left, top, right, bottom in pixels of the input, edges; landmarks are 68 x, y in pixels of
        the input, pixel centres at integers; uncertainty is the mean of a face's map, in grey levels.
    """
    height, width = restoration.image.shape[:2]
    return {
        "input": str(source),
        "input_sha256": file_digest(source),
        "output": str(target),
        "output_size": [width, height],
        "digital_source_type": mark.source_type,
        "model": mark.model,
        "model_sha256": mark.model_sha256,
        "version": mark.version,
        "scale": scale,
        "notes": list(notes),
        "elapsed_s": round(sum(stages_s.values()), 3),
        "stages_s": {stage: round(spent_s, 3) for stage, spent_s in stages_s.items()},
        "faces": [_face(face) for face in restoration.faces],
    }
