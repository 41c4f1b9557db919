"""The work on one photo, done in the worker's process: look at it, find its faces, restore them."""

from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dicface.errors import ImageError
from dicface.files import write_json
from dicface.images.photo import Photo, write_photo
from dicface.restoration.file_result import FileResult
from dicface.restoration.output import provenance_of
from dicface.restoration.restorer import Restorer
from dicface.restoration.results import Face
from dicface.restoration.scale import scale_for
from dicface.web.faces_file import write_faces
from dicface.web.pictures import SHOWN_PX, shown, write_face_pictures, write_plain
from dicface.web.request import MAX_RESULT_MEGAPIXELS, SCALES, Request, check_result, read_turned
from dicface.web.restorers import restorer_of
from dicface.web.result import FACES_FILE, result_name, result_suffix
from dicface.web.words import face_words, warnings_summary


def look(source: Path, folder: Path) -> dict[str, Any]:
    """Check an uploaded photo and write the preview that is shown of it.

    Returns:
        Its size, and how far it can be enlarged.

    Raises:
        ImageError: not an image, or too large.
    """
    photo = read_turned(source, 0)
    height, width = photo.pixels.shape[:2]
    if min(height, width) < 2:
        raise ImageError(f"expected a photo of at least 2x2 px, got {width}x{height}")
    write_photo(folder / "preview.jpg", Photo(shown(photo.pixels, SHOWN_PX)))
    sizes = [{"scale": scale, "possible": width * height * scale**2 <= MAX_RESULT_MEGAPIXELS * 1e6} for scale in SCALES]
    return {"width": width, "height": height, "scales": sizes, "scale": scale_for("auto", width, height)}


def find(request: Request) -> dict[str, Any]:
    """Find the faces of a photo, and what would happen to each.

    Args:
        request: of it, its source, turn, model and drawn boxes count.
    """
    photo = read_turned(request.source, request.turn)
    found = restorer_of(request.model).find(photo.pixels, boxes=request.boxes)
    return {"faces": [face_words(face) for face in found.faces], "turned": found.turned_degrees}


def restore(request: Request) -> dict[str, Any]:
    """Restore every face that can be, and write the pictures from which the page shows any choice and strength of them.

    Raises:
        DicfaceError: the photo or the request cannot be used.
    """
    photo = read_turned(request.source, request.turn)
    height, width = photo.pixels.shape[:2]
    check_result(request, width, height)
    restorer = restorer_of(request.model)
    done = restorer.restore(photo.pixels, scale=request.scale, boxes=request.boxes)
    faces = _with_forced(done.faces, restorer, photo.pixels, request)
    restoration = replace(done, faces=faces)
    provenance = provenance_of(restorer.model, faces=1)
    write_plain(request.folder / "plain.jpg", photo.pixels, restoration.image.shape[:2], provenance)
    restored = [face for face in faces if face.steps is not None]
    for face in restored:
        write_face_pictures(request.folder, face, photo.pixels, restorer.layer(photo.pixels, face), provenance)
    write_faces(request.folder / FACES_FILE, faces)
    row = FileResult(
        request.source, request.source, photo, restoration, request.scale, "", photo.notes, restoration.stages_s
    ).report_row()
    write_json(request.folder / "report.json", {**row, "input": request.name})
    result_height, result_width = restoration.image.shape[:2]
    suffix = result_suffix(request.source.suffix, result_width, result_height, alpha=photo.alpha is not None)
    return {
        "width": result_width,
        "height": result_height,
        "scale": request.scale,
        "download": result_name(request.name, suffix),
        "turned": restoration.turned_degrees,
        "elapsed_s": round(sum(restoration.stages_s.values()), 1),
        "notes": list(photo.notes),
        "warnings": warnings_summary([face.quality_warnings for face in restored]),
        "faces": [face_words(face) for face in faces],
    }


def _with_forced(
    faces: tuple[Face, ...], restorer: Restorer, pixels: NDArray[np.uint8], request: Request
) -> tuple[Face, ...]:
    """The faces, those that are to be restored all the same replaced by their restored ones."""
    numbers: Collection[int] = [face.number for face in faces if face.number in request.forced and face.steps is None]
    if not numbers:
        return faces
    forced = restorer.faces(pixels, boxes=request.boxes, faces=numbers, force=True)
    by_box = {face.box: face for face in forced if face.steps is not None}
    return tuple(
        replace(by_box[face.box], number=face.number) if face.number in numbers and face.box in by_box else face
        for face in faces
    )
