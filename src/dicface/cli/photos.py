"""Commands about photos and faces: restore, upscale."""

import math
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dicface.cli.options import (
    Backend,
    KeepGps,
    Model,
    NoMark,
    Out,
    Overwrite,
    SkipExisting,
    StripMetadata,
    Uncertainty,
    Verbose,
)
from dicface.cli.terminal import SOME_FAILED, ended_in_order, run, say
from dicface.errors import UsageError
from dicface.version import __version__

if TYPE_CHECKING:
    from dicface.faces.geometry import Box
    from dicface.images.inputs import Job
    from dicface.images.photo import Photo
    from dicface.restoration.quality import Doubt
    from dicface.restoration.results import Outcome, Restoration


def _parse_box(text: str) -> "Box":
    from dicface.faces.geometry import Box

    try:
        left, top, right, bottom = (float(part) for part in text.split(","))
    except ValueError as error:
        raise UsageError(f"expected --box X0,Y0,X1,Y1 in pixels of the photo, got {text!r}") from error
    # Said this way round, it refuses what is not a number, too.
    if not (-math.inf < left < right < math.inf and -math.inf < top < bottom < math.inf):
        raise UsageError(f"expected --box X0,Y0,X1,Y1 with X0 < X1 and Y0 < Y1, got {text!r}")
    return Box(left, top, right, bottom)


def _jobs(sources: Sequence[Path], out: Path, maps: bool, skip_existing: bool) -> "tuple[list[Job], list[Job]]":
    """What there is to do, and what was done already; says how much that is."""
    from dicface.images.inputs import list_jobs, split_finished, with_maps

    jobs = with_maps(list_jobs(sources, out)) if maps else list_jobs(sources, out)
    left, finished = split_finished(jobs) if skip_existing else (jobs, [])
    if finished:
        typer.echo(f"skipped {len(finished)} of {len(jobs)}, whose results are there")
    return left, finished


def _check_report(report: Path, jobs: "list[Job]", overwrite: bool) -> None:
    """Refuse, before any work is done, a report that would replace something or cannot be written."""
    from dicface.files import real_path

    taken = {real_path(path) for job in jobs for path in (job.source, job.target, *job.beside)}
    if real_path(report) in taken or report.is_dir():
        raise UsageError(f"expected --report to name a file of its own, got {str(report)!r}")
    if report.exists() and not overwrite:
        raise UsageError(f"{str(report)!r} exists; add --overwrite to replace it, or choose another --report")


def _stages_line(spent_s: "Mapping[str, float]") -> str:
    """Which stage took how long, all photos together."""
    return f"time by stage: {', '.join(f'{stage} {stage_s:.1f} s' for stage, stage_s in spent_s.items())}"


def _warning(which: str, doubts: "Sequence[Doubt]", model: str) -> str:
    """What there is to doubt, and the model that knows better."""
    from dicface.restoration.quality import Doubt
    from dicface.runtime.models import DEFAULT_MODEL, MODEL_FOR_JPEG

    reasons = " and ".join(doubt.value for doubt in doubts)
    advised = model == DEFAULT_MODEL and Doubt.BLOCKS in doubts
    return f"warning: {which} {reasons}{f' (try --model {MODEL_FOR_JPEG})' if advised else ''}"


def _faces_line(restoration: "Restoration", restored: "Outcome", model: str) -> str:
    """How many faces were found, what became of them, and which to doubt."""
    faces = restoration.faces
    outcomes = Counter(face.outcome for face in faces)
    done = outcomes.pop(restored, 0)
    found = f"{done} of {len(faces)} faces restored" if faces else "no face found"
    warnings = (_warning(f"face {number}", face.doubts, model) for number, face in enumerate(faces, 1) if face.doubts)
    turned = restoration.turned_degrees
    lies = (
        [f"the photo lies on its side (its faces are upright when it is turned by {turned} degrees)"] if turned else []
    )
    return ", ".join((found, *(f"{count} {outcome.value}" for outcome, count in outcomes.items()), *lies, *warnings))


def restore(
    photos: Annotated[list[Path], typer.Argument(help="Photos, or folders of photos.")],
    out: Out,
    model: Model = "lite",
    scale: Annotated[float, typer.Option(min=1, max=8, help="Enlargement of the photo.")] = 4,
    box: Annotated[
        list[str] | None, typer.Option(help="A face X0,Y0,X1,Y1 in pixels, besides those that are found.")
    ] = None,
    only_boxes: Annotated[bool, typer.Option("--only-boxes", help="Look for no faces beside those of --box.")] = False,
    detector: Annotated[
        str, typer.Option(help="face, or, with the extra dlib installed, dlib, dlib-fast or dlib-thorough.")
    ] = "face",
    detector_threshold: Annotated[
        float | None,
        typer.Option(min=0, max=1, help="Least probability of a face; what is less likely is left alone."),
    ] = None,
    backend: Backend = "auto",
    show_landmarks: Annotated[bool, typer.Option("--show-landmarks", help="Draw the landmarks found.")] = False,
    uncertainty: Uncertainty = False,
    report: Annotated[Path | None, typer.Option(help="Write what was found to this JSON file.")] = None,
    max_megapixels: Annotated[float, typer.Option(min=0, max=178, help="Refuse larger photos.")] = 64,
    strip_metadata: StripMetadata = False,
    keep_gps: KeepGps = False,
    no_mark: NoMark = False,
    force: Annotated[bool, typer.Option("--force", help="Also faces too large or too small to gain.")] = False,
    verbose: Verbose = False,
    overwrite: Overwrite = False,
    skip_existing: SkipExisting = False,
) -> None:
    """Find the small faces in photos, restore them, and enlarge the photos around them."""
    from dicface.images.photo import PILLOW_MEGAPIXELS, check_writable, write_photo
    from dicface.restoration.batch import WORKERS
    from dicface.restoration.memory import PhotoGate
    from dicface.restoration.output import mark_of_photo, result_photo, uncertainty_photo
    from dicface.restoration.report import BatchReport, photo_report
    from dicface.restoration.restorer import Restorer
    from dicface.restoration.results import Outcome

    boxes = [_parse_box(text) for text in box or ()]
    if only_boxes and not boxes:
        raise UsageError("expected --box with --only-boxes, got none")
    jobs, finished = _jobs(photos, out, uncertainty, skip_existing)
    if report is not None:
        _check_report(report, [*jobs, *finished], overwrite)
    restorer = Restorer(model, backend, detector, several=len(jobs) > 1, detector_threshold=detector_threshold)
    if verbose:
        say(restorer.model.how_it_runs)
    settings = {
        "model": model,
        "backend": restorer.model.backend,
        "detector": detector,
        "scale": scale,
        "version": __version__,
    }
    batch_report = BatchReport(report, settings, jobs)
    gate = PhotoGate()

    def work(job: "Job") -> str:
        with gate.photo(job.source, max_megapixels, scale) as (photo, read_s):
            return restore_one(job, photo, read_s)

    def restore_one(job: "Job", photo: "Photo", read_s: float) -> str:
        height, width = photo.pixels.shape[:2]
        size = (round(width * scale), round(height * scale))
        check_writable(job.target, *size, photo.alpha is not None)
        restoration = restorer.restore(
            photo.pixels, scale, boxes, force, uncertainty=uncertainty, only_boxes=only_boxes
        )
        restored_at = time.perf_counter()
        mark = mark_of_photo(restorer.model, restoration)
        result = result_photo(
            photo,
            restoration,
            None if no_mark else mark,
            strip_metadata=strip_metadata,
            keep_gps=keep_gps,
            show_landmarks=show_landmarks,
        )
        for map_file in job.beside:
            write_photo(map_file, uncertainty_photo(photo, restoration, None if no_mark else mark))
        notes = photo.notes + write_photo(job.target, result)
        if size[0] * size[1] > PILLOW_MEGAPIXELS * 1e6:
            notes += (f"{size[0] * size[1] / 1e6:.0f} megapixels, more than some programs open",)
        stages_s = {"read": read_s, **restoration.stages_s, "write": time.perf_counter() - restored_at}
        batch_report.add(job, photo_report(job.source, job.target, restoration, mark, scale, notes, stages_s))
        found = _faces_line(restoration, Outcome.RESTORED, model)
        return f"{job.source}: {', '.join((found, *notes))}, {sum(stages_s.values()):.1f} s -> {job.target}"

    with ended_in_order(), batch_report:
        failures = run(jobs, overwrite, work, WORKERS, batch_report.add_failure, finished)
    if verbose:
        say(_stages_line(batch_report.spent_s))
    if failures:
        raise typer.Exit(SOME_FAILED)


def upscale(
    faces: Annotated[list[Path], typer.Argument(help="Aligned square face crops of 8 to 64 px, or folders of them.")],
    out: Out,
    model: Model = "lite",
    all_steps: Annotated[bool, typer.Option("--all-steps", help="Every step side by side.")] = False,
    landmarks: Annotated[bool, typer.Option("--landmarks", help="Draw the landmarks found.")] = False,
    consistent: Annotated[
        bool,
        typer.Option("--consistent", help="Make results reduce to their input exactly; for clean reductions only."),
    ] = False,
    uncertainty: Uncertainty = False,
    backend: Backend = "auto",
    strip_metadata: StripMetadata = False,
    keep_gps: KeepGps = False,
    no_mark: NoMark = False,
    verbose: Verbose = False,
    overwrite: Overwrite = False,
    skip_existing: SkipExisting = False,
) -> None:
    """Super-resolve aligned face crops to 128x128."""
    from dicface.errors import ImageError
    from dicface.faces.geometry import Square
    from dicface.images.draw import draw_landmarks, side_by_side
    from dicface.images.metadata import NO_METADATA, of_result
    from dicface.images.photo import Photo, read_photo, write_photo
    from dicface.images.pixels import FACE_PX, resize
    from dicface.restoration.output import mark_of, uncertainty_crop
    from dicface.restoration.quality import doubts, signs
    from dicface.runtime.consistency import Consistent
    from dicface.runtime.face_model import FaceModel
    from dicface.runtime.uncertainty import expected_errors

    network = FaceModel(model, backend)
    upscaled = Consistent(network) if consistent else network
    if verbose:
        say(network.how_it_runs)
    low, high = network.lr_sizes

    def work(job: "Job") -> str:
        photo = read_photo(job.source)
        height, width = photo.pixels.shape[:2]
        if height != width or not low <= width <= high:
            raise ImageError(
                f"expected a square face crop of {low} to {high} px, got {width}x{height}; "
                "use `dicface restore` for whole photos"
            )
        (result,) = upscaled([photo.pixels])
        mark = None if no_mark else mark_of(network, faces=1)
        for map_file in job.beside:
            write_photo(map_file, uncertainty_crop(expected_errors(network, [photo.pixels], [result])[0], mark))
        pictures = list(zip(result.sr, result.landmarks, strict=True))[0 if all_steps else -1 :]
        drawn = [draw_landmarks(sr, points) if landmarks else sr for sr, points in pictures]
        alpha = None if photo.alpha is None or all_steps else resize(photo.alpha, (FACE_PX, FACE_PX))
        image = side_by_side(drawn)
        metadata = of_result(NO_METADATA if strip_metadata else photo.metadata, image, mark, keep_gps)
        notes = photo.notes + write_photo(job.target, Photo(image, alpha, photo.grey and not landmarks, metadata))
        found = doubts(signs(photo.pixels, Square(0, 0, width), photo.pixels, result, photo.jpeg_step))
        said = (f"{job.source}: {width} px", *([_warning("the face", found, model)] if found else []), *notes)
        return f"{', '.join(said)} -> {job.target}"

    jobs, finished = _jobs(faces, out, uncertainty, skip_existing)
    if run(jobs, overwrite, work, finished=finished):
        raise typer.Exit(SOME_FAILED)
