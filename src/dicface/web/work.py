"""The work on one photo, done in the worker's process: look at it, find its faces, restore them, write the result."""

import hashlib
import json
from collections import OrderedDict
from collections.abc import Collection, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dicface.errors import ImageError, OutputError
from dicface.faces.detection import Detection, FaceDetector
from dicface.faces.geometry import Box
from dicface.faces.turns import Quarters, turn_image
from dicface.files import write_json
from dicface.images.photo import WRITE_SUFFIXES, Photo, check_writable, read_photo, write_photo
from dicface.restoration.file_result import FileResult
from dicface.restoration.output import Output, provenance_of, result_photo
from dicface.restoration.restorer import Restorer
from dicface.restoration.results import Face, Outcome, Restoration
from dicface.restoration.scale import scale_for
from dicface.runtime.face_finder import SMALLEST_PX
from dicface.runtime.models import DEFAULT_MODEL
from dicface.web.faces_file import read_faces, write_faces
from dicface.web.pictures import SHOWN_PX, shown, write_face_pictures, write_plain
from dicface.web.words import WARNINGS, outcome_words, warnings_summary

MAX_UPLOAD_MEGAPIXELS = 64.0
"""Of an uploaded photo: a letter page at 600 dpi has 34, the largest phones' photos 50."""
MAX_RESULT_MEGAPIXELS = 64.0
SCALES = (1, 2, 4, 8)
SEARCHED_MEGAPIXELS = 6.0
"""Larger photos are searched at half their size, a quarter and so on, so that a visitor does not wait for minutes: the
smallest face that is found has 11 px in photos up to this size, 22 px up to 24 megapixels, 44 px beyond."""
FACES_FILE = "faces.npz"
_LOSSY = (".heic", ".heif")
_REMEMBERED = 16


class RememberingDetector(FaceDetector):
    """The face detector for visitors: it remembers what it found in the last photos, and looks for no tiny faces in
    large ones; see `SEARCHED_MEGAPIXELS`."""

    def __init__(self) -> None:
        super().__init__()
        self._found: OrderedDict[bytes, list[Detection]] = OrderedDict()

    def __call__(self, pixels: NDArray[np.uint8]) -> list[Detection]:
        """See `Detector`."""
        digest = hashlib.blake2b(np.ascontiguousarray(pixels).data, digest_size=16, key=str(pixels.shape).encode())
        key = digest.digest()
        if key not in self._found:
            self._found[key] = self.search(pixels, smallest_face_px(pixels.shape[1], pixels.shape[0]))
        self._found.move_to_end(key)
        while len(self._found) > _REMEMBERED:
            self._found.popitem(last=False)
        return list(self._found[key])


def smallest_face_px(width: int, height: int) -> float:
    """Side of the smallest face that is looked for in a photo of a size.

    >>> [smallest_face_px(1600, 1200), smallest_face_px(4032, 3024), smallest_face_px(5100, 6600)]
    [11.0, 22.0, 44.0]
    """
    factor = 1
    while width * height / factor**2 > SEARCHED_MEGAPIXELS * 1e6:
        factor *= 2
    return SMALLEST_PX * factor


class Request(NamedTuple):
    """A request about an uploaded photo.

    Attributes:
        source: the uploaded file.
        folder: folder for results.
        name: what the owner calls the file.
        turn: quarter turns clockwise that the owner gave the photo.
        model: name of an embedded model.
        scale: enlargement of the photo.
        boxes: faces drawn by the owner, in pixels of the turned photo.
        forced: numbers of faces to restore although they would be left as they are.
    """

    source: Path
    folder: Path
    name: str
    turn: int = 0
    model: str = DEFAULT_MODEL
    scale: float = 1.0
    boxes: tuple[Box, ...] = ()
    forced: tuple[int, ...] = ()


class WrittenFaces(NamedTuple):
    """A result on disk: the file, the name that its owner gets it under, and its row of the report."""

    path: Path
    name: str
    row: dict[str, Any]


@cache
def _detector() -> RememberingDetector:
    return RememberingDetector()


@cache
def restorer_of(model: str) -> Restorer:
    """The restorer of an embedded model, loaded once."""
    return Restorer(model, detector=_detector())


def read_turned(source: Path, turn: int) -> Photo:
    """Read a photo within the page's limits, turned by quarters clockwise."""
    photo = read_photo(source, MAX_UPLOAD_MEGAPIXELS)
    quarters: Quarters = (0, 3, 2, 1)[turn % 4]
    if quarters == 0:
        return photo
    alpha = None if photo.alpha is None else np.ascontiguousarray(np.rot90(photo.alpha, quarters))
    return replace(photo, pixels=np.ascontiguousarray(turn_image(photo.pixels, quarters)), alpha=alpha)


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
    return {"faces": [_face_words(face) for face in found.faces], "turned": found.turned_degrees}


def restore(request: Request) -> dict[str, Any]:
    """Restore every face that can be, and write the pictures from which the page shows any choice and strength of them.

    Raises:
        DicfaceError: the photo or the request cannot be used.
    """
    photo = read_turned(request.source, request.turn)
    height, width = photo.pixels.shape[:2]
    _check_result(request, width, height)
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
        "faces": [_face_words(face) for face in faces],
    }


def compose(request: Request, strengths: Mapping[int, float]) -> WrittenFaces:
    """Write the result with the chosen strengths of its faces, from the faces that `restore` wrote.

    Args:
        request: the same as for `restore`.
        strengths: by face number, 0 to 1; a face without one is left as it is.

    Raises:
        DicfaceError: the result cannot be written.
    """
    photo = read_turned(request.source, request.turn)
    restorer = restorer_of(request.model)
    faces = tuple(_at_strength(face, strengths) for face in read_faces(request.folder / FACES_FILE))
    image = restorer.blend(photo.pixels, faces, scale=request.scale)
    restored = sum(face.outcome is Outcome.RESTORED for face in faces)
    restoration = Restoration(image, faces, provenance=provenance_of(restorer.model, restored), scale=request.scale)
    suffix = result_suffix(request.source.suffix, image.shape[1], image.shape[0], alpha=photo.alpha is not None)
    target = request.folder / f"restored{suffix}"
    notes = photo.notes + write_photo(target, result_photo(photo, restoration, Output()))
    name = result_name(request.name, suffix)
    row = json.loads((request.folder / "report.json").read_text(encoding="utf-8"))
    fresh = FileResult(request.source, target, photo, restoration, request.scale, "", notes, {}).report_row()
    kept = {key: row[key] for key in ("input", "stages_s", "elapsed_s", "turned_degrees")}
    return WrittenFaces(
        target, name, {**fresh, **kept, "output": name, "turned_by_hand_degrees": 90 * (request.turn % 4)}
    )


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


def _check_result(request: Request, width: int, height: int) -> None:
    megapixels = width * height * request.scale**2 / 1e6
    if megapixels > MAX_RESULT_MEGAPIXELS:
        raise OutputError(f"expected a result of at most {MAX_RESULT_MEGAPIXELS:g} megapixels, got {megapixels:.0f}")


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


def _at_strength(face: Face, strengths: Mapping[int, float]) -> Face:
    """A face at a share of the strength that it was restored with; without steps where nothing of it remains."""
    if face.steps is None:
        return face
    share = strengths.get(face.number, 0.0)
    if share <= 0:
        return replace(face, outcome=Outcome.NOT_CHOSEN, steps=None, landmarks=None, strength=0.0, quality_warnings=())
    return replace(face, strength=face.strength * min(share, 1.0))


def _face_words(face: Face) -> dict[str, Any]:
    """A face as the page shows it."""
    return {
        "number": face.number,
        "box": [round(edge, 1) for edge in face.box],
        "square": list(face.square),
        "size": round(face.size_px),
        "outcome": face.outcome.name.lower(),
        "restored": face.outcome is Outcome.RESTORED,
        "drawn": face.score is None,
        "strength": face.strength,
        "probability": face.probability,
        "words": outcome_words(face.outcome),
        "warnings": [WARNINGS.get(warning, warning.value) for warning in face.quality_warnings],
    }
