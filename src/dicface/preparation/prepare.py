"""Photos to face packs, restartable: cut faces part by part, then assign and write them."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from dicface.errors import InputError, UsageError
from dicface.faces.detection import make_detector
from dicface.files import file_digest
from dicface.images.inputs import LeftOut
from dicface.images.listing import jobs_below
from dicface.preparation.annotations import Annotations, open_annotations
from dicface.preparation.assignment import Selection, assign_faces, read_lists
from dicface.preparation.cutting import PhotoTask, Reason, Recipe
from dicface.preparation.parts import CutFace, PartFolder, Skipped
from dicface.preparation.results import Results, Written, write_results
from dicface.preparation.workers import cut_in_order
from dicface.runtime.face_finder import FINDER_MODEL
from dicface.runtime.landmark_model import LANDMARK_MODEL
from dicface.runtime.models import find_model
from dicface.version import __version__

PART_PHOTOS = 200
"""Photos per part: at most this many are lost by a call that is killed."""


class PhotoFile(NamedTuple):
    """An input photo.

    Attributes:
        path: the file.
        name: path below the given folder, with `/` as separator; the file name of a photo given by itself.
        problem: why it cannot be read, if that is known already; else empty.
    """

    path: Path
    name: str
    problem: str = ""


@dataclass(frozen=True)
class Preparation:
    """Settings of `prepare`.

    Attributes:
        recipe: how faces are cut out.
        selection: which faces are kept, and how they are split.
        landmarks: source of landmarks, see `open_annotations`.
    """

    recipe: Recipe = field(default_factory=Recipe)
    selection: Selection = field(default_factory=Selection)
    landmarks: str = "network"


def list_photos(
    given: Sequence[Path], results: Results, left_out: Callable[[str], None] = lambda _: None
) -> list[PhotoFile]:
    """List the given photos and all images below the given folders.

    Args:
        given: files and folders.
        results: the files to write; they are left out of a folder's images.
        left_out: called with what else was left out of folders, as text, if anything was.

    Raises:
        UsageError: two photos have the same name, or a given photo is also a result.
    """
    written = {path.resolve() for path in results.all()}
    photos: dict[str, PhotoFile] = {}
    hidden = foreign = 0
    for path in dict.fromkeys(given):
        listing = jobs_below([path], results.parts)
        for job in listing:
            if job.source.resolve() in written:
                if job.source == path:
                    raise UsageError(f"expected results other than the photos, got {str(path)!r} as both")
                continue
            below = _below(job.source, path) or str(path)
            name = below.encode("utf-8", "backslashreplace").decode("utf-8")
            other = photos.setdefault(name, PhotoFile(job.source, name, job.problem))
            if other.path.resolve() != job.source.resolve():
                raise UsageError(
                    f"expected photos that differ in their names below the given folders, got {str(other.path)!r} and "
                    f"{str(job.source)!r}; give a folder above both, or prepare them in two calls"
                )
        hidden, foreign = hidden + listing.left_out.hidden, foreign + listing.left_out.foreign
    if text := LeftOut(hidden, foreign).text():
        left_out(text)
    return list(photos.values())


def _below(file: Path, given: Path) -> str:
    return file.name if file == given else file.relative_to(given).as_posix()


def prepare(
    photos: Sequence[PhotoFile],
    results: Results,
    preparation: Preparation,
    jobs: int = 1,
    advance: Callable[[int], None] = lambda _: None,
    part_photos: int = PART_PHOTOS,
) -> Written:
    """Cut the faces out of photos and write them as packs. No pack is written if no face is kept, and no list if no
    photo can be read.

    Finished parts stay in `DATA.parquet.parts` until the packs are complete, so that the same call continues where an
    earlier one was stopped. The result depends neither on interruptions nor on the number of processes.

    Args:
        photos: see `list_photos`.
        results: the files to write.
        preparation: the settings.
        jobs: number of processes.
        advance: called with the number of photos done since the last call.
        part_photos: photos per part.

    Returns:
        The numbers of faces written and skipped.

    Raises:
        UsageError: no photos, no annotated photo, an unfinished call with other settings, or an existing result.
        InputError: unusable annotations or lists.
        OutputError: a file cannot be written; finished parts are kept.
    """
    if not photos:
        raise UsageError("expected photos, got none")
    results.check()
    make_detector(preparation.recipe.detector)
    annotations = open_annotations(preparation.landmarks)
    lists = read_lists(preparation.selection)
    tasks = [_task(photo, annotations) for photo in photos]
    if annotations is not None and all(task.annotation is None for task in tasks):
        raise _nothing_annotated(preparation.landmarks, tasks)
    folder = PartFolder(results.parts)
    folder.begin(_settings(photos, annotations, preparation.recipe, part_photos))
    parts = _cut_parts(tasks, folder, preparation.recipe, jobs, advance, part_photos)
    faces = assign_faces(folder, parts, preparation.selection, lists)
    written = write_results(folder, faces, results, preparation.selection.source)
    folder.remove()
    return written


def _task(photo: PhotoFile, annotations: Annotations | None) -> PhotoTask:
    if photo.problem:
        return PhotoTask(photo.path, photo.name, None, Skipped(photo.name, None, Reason.UNREADABLE, photo.problem))
    if annotations is None:
        return PhotoTask(photo.path, photo.name, None)
    try:
        annotation = annotations.find(photo.path, photo.name)
    except InputError as error:
        return PhotoTask(photo.path, photo.name, None, Skipped(photo.name, None, Reason.BAD_ANNOTATION, str(error)))
    verdict = None if annotation is not None else Skipped(photo.name, None, Reason.NOT_ANNOTATED)
    return PhotoTask(photo.path, photo.name, annotation, verdict)


def _nothing_annotated(source: str, tasks: Sequence[PhotoTask]) -> UsageError:
    verdict = tasks[0].verdict
    why = verdict.detail if verdict is not None and verdict.detail else "no photo of that name"
    return UsageError(
        f"expected `landmarks` {source} to annotate the photos, it fits none of {len(tasks)}; "
        f"for {tasks[0].name!r}: {why}"
    )


def _settings(
    photos: Sequence[PhotoFile], annotations: Annotations | None, recipe: Recipe, part_photos: int
) -> dict[str, Any]:
    """Everything that the parts depend on, JSON-ready."""
    inputs = hashlib.sha256()
    for photo in photos:
        own = None if annotations is None else annotations.file_of(photo.path)
        for path in (photo.path, own):
            inputs.update(f"{photo.name}\0{_stamp(path)}\n".encode())
    return {
        "dicface": __version__,
        "landmarks": "network" if annotations is None else annotations.description,
        "landmark model": file_digest(find_model(LANDMARK_MODEL, kind="landmarks")),
        "face finder": file_digest(find_model(FINDER_MODEL, kind="finder")),
        "photos": f"{len(photos)}, fingerprint {inputs.hexdigest()[:16]}",
        "photos in a part": part_photos,
        **{name.replace("_", " "): value for name, value in asdict(recipe).items()},
    }


def _stamp(path: Path | None) -> str:
    """Size and modification time of a file, which change with it; empty if there is none."""
    try:
        state = None if path is None else path.stat()
    except OSError:
        state = None
    return "" if state is None else f"{state.st_size} {state.st_mtime_ns}"


def _cut_parts(
    tasks: Sequence[PhotoTask],
    folder: PartFolder,
    recipe: Recipe,
    jobs: int,
    advance: Callable[[int], None],
    part_photos: int,
) -> int:
    """Cut and write the missing parts; returns the number of all parts."""
    runs = [tasks[first : first + part_photos] for first in range(0, len(tasks), part_photos)]
    missing = [number for number in range(len(runs)) if not folder.has(number)]
    advance(len(tasks) - sum(len(runs[number]) for number in missing))
    if not missing:
        return len(runs)
    waiting: Iterator[PhotoTask] = (task for number in missing for task in runs[number])
    with closing(cut_in_order(waiting, recipe, jobs)) as results:
        for number in missing:
            faces: list[CutFace] = []
            skipped: list[Skipped] = []
            for _ in runs[number]:
                result = next(results)
                faces += result.faces
                skipped += result.skipped
                advance(1)
            folder.write(number, faces, skipped)
    return len(runs)
