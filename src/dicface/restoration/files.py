"""Restore a photo or upscale a face crop from file to file, for commands, web page and demo."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dicface.errors import ImageError, UsageError
from dicface.faces.geometry import Box, Square, to_photo
from dicface.files import check_target, real_path
from dicface.images.draw import draw_landmarks, side_by_side
from dicface.images.photo import (
    MAX_MEGAPIXELS,
    PILLOW_MEGAPIXELS,
    Photo,
    check_writable,
    read_photo,
    write_photo,
)
from dicface.images.pixels import resize
from dicface.restoration.arguments import RestoreArguments
from dicface.restoration.choice import FaceChoice, Strength, checked_boxes
from dicface.restoration.file_result import FileResult
from dicface.restoration.memory import PhotoGate
from dicface.restoration.output import (
    Output,
    metadata_of,
    provenance_of,
    result_photo,
    uncertainty_crop,
    uncertainty_photo,
)
from dicface.restoration.quality import quality_measures, quality_warnings
from dicface.restoration.restorer import Restorer
from dicface.restoration.results import Face, Outcome, Restoration
from dicface.restoration.scale import Scale, check_scale, scale_for
from dicface.restoration.sentence import crop_warning, faces_sentence
from dicface.restoration.settings import restore_digest, upscale_digest
from dicface.restoration.stages import Stages
from dicface.runtime.consistency import DataConsistency
from dicface.runtime.face_model import FaceModel, FaceSteps
from dicface.runtime.model_files import chosen_sharpness
from dicface.runtime.models import DEFAULT_MODEL
from dicface.runtime.uncertainty import expected_errors


def restore_file(
    source: str | Path,
    target: str | Path,
    *,
    restorer: Restorer | None = None,
    scale: Scale = "auto",
    boxes: Sequence[Box] | None = None,
    only_boxes: bool = False,
    strength: Strength = 1.0,
    min_face: float | None = None,
    max_face: float | None = None,
    faces: Collection[int] | None = None,
    adaptive: bool = True,
    force: bool = False,
    passes: int = 2,
    output: Output | None = None,
    max_megapixels: float = MAX_MEGAPIXELS,
    max_result_megapixels: float | None = None,
    gate: PhotoGate | None = None,
) -> FileResult:
    """Restore the small faces of a photo, and write it enlarged.

    Args:
        source: the photo, see `read_photo`.
        target: the result, in the format that its suffix names; it never replaces the source.
        restorer: the restorer; None loads one with the default model, which takes longer than a photo.
        scale, boxes, only_boxes, strength, min_face, max_face, faces, adaptive, force, passes: see `Restorer.restore`.
        output: what is written; None means `Output()`.
        max_megapixels: larger photos are refused at their header.
        max_result_megapixels: larger results are refused before they are made; None for the format's limit alone.
        gate: shared by the calls of a batch that runs several at once, so that memory suffices; None for a single one.

    Returns:
        The result.

    Raises:
        ImageError: the source cannot be read.
        OutputError: a result exists, would replace the source, or cannot be written.
        UsageError: see `Restorer.restore`; or a result that would be too large.
    """
    source, target, output = Path(source), Path(target), output or Output()
    _check_targets(source, target, output)
    check_scale(scale)
    choice = FaceChoice(strength, min_face, max_face, faces, force)
    settings = RestoreArguments(
        scale=scale,
        boxes=checked_boxes(boxes),
        only_boxes=only_boxes,
        strength=strength,
        min_face=min_face,
        max_face=max_face,
        faces=faces,
        adaptive=adaptive,
        force=force,
        passes=passes,
    )
    restorer, stages = restorer or Restorer(), Stages()
    with (gate or PhotoGate()).photo(source, max_megapixels, scale, stages) as photo:
        size = _result_size(photo, scale, max_result_megapixels)
        check_writable(target, *size, alpha=photo.alpha is not None)
        restoration = restorer.restore(photo.pixels, **settings, uncertainty=output.uncertainty is not None)
        digest = restore_digest(restorer, **settings, output=output)
        restoration = _stating(restoration, digest)
        stages.spent_s |= restoration.stages_s
        with stages.measure("write"):
            result = result_photo(photo, restoration, output)
            if output.uncertainty is not None:
                provenance = restoration.provenance if output.mark else None
                write_photo(output.uncertainty, uncertainty_photo(photo, restoration, provenance))
            notes = photo.notes + write_photo(target, result)
    if (megapixels := size[0] * size[1] / 1e6) > PILLOW_MEGAPIXELS:
        notes += (f"{megapixels:.0f} megapixels, more than some programs open",)
    said = faces_sentence(restoration, choice=choice, auto_scale=scale == "auto")
    sentence = ", ".join((said, *notes))
    return FileResult(source, target, photo, restoration, restoration.scale, sentence, notes, stages.spent_s)


def _stating(restoration: Restoration, digest: str) -> Restoration:
    """The result with the digest of the settings in its provenance."""
    assert restoration.provenance is not None
    return replace(restoration, provenance=restoration.provenance._replace(settings_sha256=digest))


def _result_size(photo: Photo, scale: Scale, max_megapixels: float | None) -> tuple[int, int]:
    """Width and height of the result in pixels."""
    height, width = photo.pixels.shape[:2]
    chosen = scale_for(scale, width, height)
    size = (round(width * chosen), round(height * chosen))
    if max_megapixels is not None and size[0] * size[1] / 1e6 > max_megapixels:
        raise UsageError(
            f"expected a result of at most {max_megapixels:g} megapixels, got {size[0]}x{size[1]}; "
            "choose a smaller `scale`"
        )
    return size


def upscale_file(
    source: str | Path,
    target: str | Path,
    *,
    model: str | Path | FaceModel = DEFAULT_MODEL,
    all_steps: bool = False,
    consistent: bool = False,
    strength: float = 1.0,
    output: Output | None = None,
) -> FileResult:
    """Super-resolve an aligned face crop.

    Args:
        source: a square image of a side that the model takes.
        target: the result, in the format that its suffix names; it never replaces the source.
        model: name of an embedded model, which is taken at its `DEFAULT_SHARPNESS`, path of a model file, or a loaded
            model, for several files or for another sharpness.
        all_steps: write every step side by side.
        consistent: make the result reduce to the source exactly; for clean reductions only (ADR 18).
        strength: share of the result in the blend with the plain enlargement, 0 to 1.
        output: what is written; None means `Output()`.

    Returns:
        The result. Its restoration has one face, whose box and square are the whole picture.

    Raises:
        ImageError: the source cannot be read, or its size is not one that the model takes.
        OutputError: a result exists, would replace the source, or cannot be written.
        UnknownModelError: no such model.
        UsageError: a strength out of its range.
    """
    FaceChoice(strength)  # checks it
    source, target, output = Path(source), Path(target), output or Output()
    _check_targets(source, target, output)
    network = model if isinstance(model, FaceModel) else FaceModel(model, sharpness=chosen_sharpness(str(model), None))
    stages = Stages()
    with stages.measure("read"):
        photo = read_photo(source)
    height, width = photo.pixels.shape[:2]
    low, high = network.lr_sizes
    if height != width or not low <= width <= high:
        also = "" if network.larger_name is None else f", {network.larger_name} takes larger ones"
        raise ImageError(
            f"expected a square face crop of {low} to {high} px{also}, got {width}x{height}; "
            "use `dicface restore` for whole photos"
        )
    with stages.measure("restore"):
        (steps,) = (DataConsistency(network) if consistent else network)([photo.pixels])
        wants_map = output.uncertainty is not None
        errors = expected_errors(network, [photo.pixels], [steps])[0] if wants_map else None
        if strength < 1:
            steps = _weaker(steps, photo, strength)
        image = _steps_image(steps, all_steps=all_steps, landmarks=output.landmarks)
        face = replace(_whole_face(photo, steps, errors, strength), invents=network.invented_detail(width))
    restoration = Restoration(
        image, (face,), stages_s=dict(stages.spent_s), provenance=provenance_of(network, (face,) if strength else ())
    )
    digest = upscale_digest(
        network.sha256,
        sharpness=network.sharpness,
        all_steps=all_steps,
        consistent=consistent,
        strength=strength,
        output=output,
    )
    restoration = _stating(restoration, digest)
    with stages.measure("write"):
        if errors is not None and output.uncertainty is not None:
            write_photo(output.uncertainty, uncertainty_crop(errors, restoration.provenance if output.mark else None))
        alpha = None if photo.alpha is None or all_steps else resize(photo.alpha, (network.face_px, network.face_px))
        metadata = metadata_of(photo, image, restoration, output)
        notes = photo.notes + write_photo(target, Photo(image, alpha, photo.grey and not output.landmarks, metadata))
    warned = [crop_warning(face.quality_warnings)] if face.quality_warnings else []
    sentence = ", ".join((f"{width} px", *warned, *notes))
    return FileResult(source, target, photo, restoration, network.face_px / width, sentence, notes, stages.spent_s)


def _check_targets(source: Path, target: Path, output: Output) -> None:
    targets = [target, *([] if output.uncertainty is None else [output.uncertainty])]
    for path in targets:
        check_target(path, overwrite=output.overwrite, inputs=(real_path(source),))
    if len({real_path(path) for path in targets}) < len(targets):
        raise UsageError(f"expected a file of its own for each result, got {str(target)!r} twice")


def _steps_image(steps: FaceSteps, *, all_steps: bool, landmarks: bool) -> NDArray[np.uint8]:
    """The last step, or all of them side by side."""
    pairs = list(zip(steps.sr, steps.landmarks, strict=True))
    wanted = pairs if all_steps else pairs[-1:]
    return side_by_side([draw_landmarks(sr, points) if landmarks else sr for sr, points in wanted])


def _weaker(steps: FaceSteps, photo: Photo, strength: float) -> FaceSteps:
    """Every step blended with the plain enlargement."""
    plain = resize(photo.pixels, steps.sr.shape[1:3]).astype(np.float32)
    return steps._replace(sr=np.rint(plain + (steps.sr - plain) * strength).astype(np.uint8))


def _whole_face(photo: Photo, steps: FaceSteps, errors: NDArray[np.float32] | None, strength: float) -> Face:
    """The face of a face crop."""
    square = Square(0, 0, photo.pixels.shape[0])
    measures = quality_measures(photo.pixels, square, photo.pixels, steps, photo.jpeg_step)
    landmarks = to_photo(steps.landmarks[-1], square, steps.sr.shape[1])
    warnings = quality_warnings(measures)
    return Face(square.box, None, Outcome.RESTORED, square, landmarks, steps.sr, errors, warnings, strength=strength)
