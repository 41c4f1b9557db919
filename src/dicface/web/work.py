"""The work on one photo, done in the worker's process: look at it, find its faces, restore them."""

from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dicface.errors import ImageError
from dicface.files import written_whole
from dicface.images.photo import Photo, write_photo
from dicface.restoration.restorer import Restorer
from dicface.restoration.results import Face
from dicface.restoration.scale import scale_for
from dicface.restoration.stages import Stages
from dicface.web.faces_file import write_faces
from dicface.web.pictures import SHOWN_PX, shown, write_face_pictures, write_plain
from dicface.web.request import MAX_RESULT_MEGAPIXELS, SCALES, Request, check_result, read_turned
from dicface.web.restorers import restorer_of
from dicface.web.result import FACES_FILE, result_name, result_suffix, write_run
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
        request: of it, its source, turn, model, drawn boxes and networks count.
    """
    photo = read_turned(request.source, request.turn)
    found = restorer_of(request.model, request.networks).find(photo.pixels, boxes=request.boxes)
    return {"faces": [face_words(face) for face in found.faces], "turned": found.turned_degrees}


def restore(request: Request) -> dict[str, Any]:
    """Restore every face that can be, and write the pictures from which the page shows any choice and strength of them.

    Raises:
        DicfaceError: the photo or the request cannot be used.
    """
    photo = read_turned(request.source, request.turn)
    height, width = photo.pixels.shape[:2]
    check_result(request, width, height)
    restorer = restorer_of(request.model, request.networks, request.sharpness)
    # The faces do not depend on the enlargement, and the result is composed when it is asked for.
    done = restorer.restore(photo.pixels, scale=1, boxes=request.boxes)
    faces = _with_forced(done.faces, restorer, photo.pixels, request)
    restored = [face for face in faces if face.steps is not None]
    for face in restored:
        provenance = restorer.provenance([face], scale=1)
        write_face_pictures(request.folder, face, photo.pixels, restorer.layer(photo.pixels, face), provenance)
    write_faces(request.folder / FACES_FILE, faces)
    stages = Stages()
    with stages.measure("enlarge"):
        _write_plain_pictures(request, photo.pixels, restorer)
    stages_s = {**done.stages_s, **stages.spent_s}
    elapsed_s = sum(stages_s.values())
    write_run(request, stages_s=stages_s, turned_degrees=done.turned_degrees)
    result_width, result_height = round(width * request.scale), round(height * request.scale)
    suffix = result_suffix(request.source.suffix, result_width, result_height, alpha=photo.alpha is not None)
    return {
        "width": result_width,
        "height": result_height,
        "scale": request.scale,
        "sharpness": request.sharpness,
        "background": request.enlarged_file is not None,
        "download": result_name(request.name, suffix),
        "turned": done.turned_degrees,
        "elapsed_s": round(elapsed_s, 1),
        "notes": list(photo.notes),
        "warnings": warnings_summary([face.quality_warnings for face in restored]),
        "faces": [face_words(face) for face in faces],
    }


def _write_plain_pictures(request: Request, pixels: NDArray[np.uint8], restorer: Restorer) -> None:
    """Write the photo enlarged without its faces restored; where a network enlarges it, also as it was before."""
    for old in request.folder.glob("enlarged-*.npy"):
        old.unlink()
    size = round(pixels.shape[0] * request.scale), round(pixels.shape[1] * request.scale)
    plain, enlarged_file = pixels, request.enlarged_file
    if enlarged_file is not None:
        plain = restorer.blend(pixels, (), scale=request.scale)
        with written_whole(enlarged_file) as part:
            np.save(part, plain)
        write_plain(request.folder / "before.jpg", pixels, size, restorer.provenance((), scale=1))
    write_plain(request.folder / "plain.jpg", plain, size, restorer.provenance((), scale=request.scale))


def _with_forced(
    faces: tuple[Face, ...], restorer: Restorer, pixels: NDArray[np.uint8], request: Request
) -> tuple[Face, ...]:
    """The faces, with those that the owner forces replaced by their restored versions."""
    numbers: Collection[int] = [face.number for face in faces if face.number in request.forced and face.steps is None]
    if not numbers:
        return faces
    forced = restorer.faces(pixels, boxes=request.boxes, faces=numbers, force=True)
    by_box = {face.box: face for face in forced if face.steps is not None}
    return tuple(
        replace(by_box[face.box], number=face.number) if face.number in numbers and face.box in by_box else face
        for face in faces
    )
