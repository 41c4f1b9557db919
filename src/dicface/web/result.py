"""The result of a photo: composed of the faces that were restored, at the strengths that its owner chose."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from dicface.errors import OutputError
from dicface.files import write_json
from dicface.images.photo import WRITE_SUFFIXES, check_writable, write_photo
from dicface.restoration.file_result import FileResult
from dicface.restoration.output import Output, result_photo
from dicface.restoration.paste import blend_faces
from dicface.restoration.results import Face, Outcome, Restoration
from dicface.web.faces_file import read_faces
from dicface.web.request import Request, read_turned
from dicface.web.restorers import restorer_of

FACES_FILE = "faces.npz"
_RUN_FILE = "run.json"
_LOSSY = (".heic", ".heif")


class WrittenFaces(NamedTuple):
    """A result on disk: the file, the name that its owner gets it under, and its row of the report."""

    path: Path
    name: str
    row: dict[str, Any]


def compose(request: Request, strengths: Mapping[int, float]) -> WrittenFaces:
    """Write the result with the chosen strengths of its faces, from the faces that `restore` wrote.

    Args:
        request: the same as for `restore`.
        strengths: by face number, 0 to 1; a face without one is left as it is.

    Raises:
        DicfaceError: the result cannot be written.
    """
    photo = read_turned(request.source, request.turn)
    restorer = restorer_of(request.model, request.networks, request.sharpness)
    faces = tuple(_at_strength(face, strengths) for face in read_faces(request.folder / FACES_FILE))
    enlarged_file = request.enlarged_file
    if enlarged_file is not None and enlarged_file.is_file():
        image = blend_faces(np.load(enlarged_file, allow_pickle=False), photo.pixels, faces)
    else:
        image = restorer.blend(photo.pixels, faces, scale=request.scale)
    provenance = restorer.provenance(faces, scale=request.scale)
    restoration = Restoration(image, faces, provenance=provenance, scale=request.scale)
    suffix = result_suffix(request.source.suffix, image.shape[1], image.shape[0], alpha=photo.alpha is not None)
    target = request.folder / f"restored{suffix}"
    notes = photo.notes + write_photo(target, result_photo(photo, restoration, Output()))
    name = result_name(request.name, suffix)
    row = FileResult(request.source, target, photo, restoration, request.scale, "", notes, {}).report_row()
    run = json.loads((request.folder / _RUN_FILE).read_text(encoding="utf-8"))
    turned_by_hand = {"turned_by_hand_degrees": 90 * (request.turn % 4)}
    return WrittenFaces(target, name, {**row, **run, "output": name, **turned_by_hand})


def write_run(request: Request, *, stages_s: Mapping[str, float], turned_degrees: int) -> None:
    """Write facts of the restoration that reports of its results state later.

    Args:
        request: about the photo.
        stages_s: seconds spent on each stage.
        turned_degrees: see `Restoration`.
    """
    run = {
        "input": request.name,
        "stages_s": {stage: round(spent_s, 3) for stage, spent_s in stages_s.items()},
        "elapsed_s": round(sum(stages_s.values()), 3),
        "turned_degrees": turned_degrees,
    }
    write_json(request.folder / _RUN_FILE, run)


def result_name(name: str, suffix: str) -> str:
    """Name of a result, after the photo.

    >>> result_name("Holiday 1962.tif", ".png")
    'Holiday 1962-restored.png'
    """
    return f"{Path(name).stem}-restored{suffix}"


def result_suffix(suffix: str, width: int, height: int, *, alpha: bool) -> str:
    """Suffix of a result: that of the upload, or, where its format cannot hold the result, PNG; JPEG for HEIC."""
    wanted = ".jpg" if suffix.lower() in _LOSSY and not alpha else suffix.lower()
    if wanted not in WRITE_SUFFIXES:
        return ".png"
    try:
        check_writable(Path(f"a{wanted}"), width, height, alpha=alpha)
    except OutputError:
        return ".png"
    return wanted


def _at_strength(face: Face, strengths: Mapping[int, float]) -> Face:
    """A face at a share of the strength that it was restored with; without steps where nothing of it remains."""
    if face.steps is None:
        return face
    share = strengths.get(face.number, 0.0)
    if share <= 0:
        return replace(face, outcome=Outcome.NOT_CHOSEN, steps=None, landmarks=None, strength=0.0, quality_warnings=())
    return replace(face, strength=face.strength * min(share, 1.0))
