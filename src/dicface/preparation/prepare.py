"""Photos to face packs, restartable: cut the faces out part by part, then sort and write them."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from dicface.errors import InputError, UsageError
from dicface.faces.detection import make_detector
from dicface.files import file_digest
from dicface.images.inputs import jobs_below
from dicface.preparation.annotations import Annotations, open_annotations
from dicface.preparation.assignment import Choice, read_lists, sort_faces
from dicface.preparation.cutting import Reason, Recipe, Task
from dicface.preparation.parts import CutFace, PartFolder, Skipped
from dicface.preparation.results import Results, Written, write_results
from dicface.preparation.workers import cut_in_order
from dicface.runtime.face_finder import FINDER_MODEL
from dicface.runtime.landmark_model import LANDMARK_MODEL
from dicface.runtime.models import find_model
from dicface.version import __version__

PART_PHOTOS = 200
"""Photos of a part: what a killed call loses at most."""


class Photo(NamedTuple):
    """An input.

    Attributes:
        path: the file.
        name: below the folder that was given, `/` between folders; the file's name if it was given itself.
        problem: why it cannot be read, if that is known beforehand.
    """

    path: Path
    name: str
    problem: str = ""


@dataclass(frozen=True)
class Preparation:
    """One pack, or one divided into several.

    Attributes:
        recipe: how faces are cut out.
        choice: which of them are written, and where to.
        landmarks: see `open_annotations`.
    """

    recipe: Recipe = field(default_factory=Recipe)
    choice: Choice = field(default_factory=Choice)
    landmarks: str = "network"


def list_photos(given: Sequence[Path], results: Results) -> list[Photo]:
    """The photos that paths stand for: themselves, or all images below a folder.

    Args:
        given: files and folders.
        results: are no input, even if they lie there.

    Raises:
        UsageError: two photos have one name, by which they could not be told apart; a photo that was named is a
            result, too.
    """
    written = {path.resolve() for path in results.all()}
    photos: dict[str, Photo] = {}
    for path in dict.fromkeys(given):
        for job in jobs_below([path], results.parts):
            if job.source.resolve() in written:
                if job.source == path:
                    raise UsageError(f"expected results other than the photos, got {str(path)!r} as both")
                continue
            below = _below(job.source, path) or str(path)
            name = below.encode("utf-8", "backslashreplace").decode("utf-8")
            other = photos.setdefault(name, Photo(job.source, name, job.problem))
            if other.path.resolve() != job.source.resolve():
                raise UsageError(
                    f"expected photos that differ in their names below the given folders, got {str(other.path)!r} and "
                    f"{str(job.source)!r}; give a folder above both, or prepare them in two calls"
                )
    return list(photos.values())


def _below(file: Path, given: Path) -> str:
    return file.name if file == given else file.relative_to(given).as_posix()


def prepare(
    photos: Sequence[Photo],
    results: Results,
    preparation: Preparation,
    jobs: int = 1,
    advance: Callable[[int], None] = lambda _: None,
    part_photos: int = PART_PHOTOS,
) -> Written:
    """Cut the faces out of photos and write them as packs; none, if no face is kept.

    Finished parts stay in `DATA.parquet.parts` until the packs are whole, so that the same call goes on where an
    earlier one was stopped. The result does not depend on that, nor on the number of processes.

    Args:
        photos: see `list_photos`.
        results: what to write.
        preparation: how.
        jobs: processes.
        advance: called with a number of photos that are done, again and again.
        part_photos: photos of a part.

    Raises:
        UsageError: no photos; nothing annotated; an earlier call with other settings; a file that is in the way.
        InputError: annotations or lists that cannot be used.
        OutputError: something cannot be written; what was done is kept.
    """
    if not photos:
        raise UsageError("expected photos, got none")
    results.check()
    make_detector(preparation.recipe.detector)
    annotations = open_annotations(preparation.landmarks)
    lists = read_lists(preparation.choice)
    tasks = [_task(photo, annotations) for photo in photos]
    if annotations is not None and all(task.annotation is None for task in tasks):
        raise _nothing_annotated(preparation.landmarks, tasks)
    folder = PartFolder(results.parts)
    folder.begin(_settings(photos, annotations, preparation.recipe, part_photos))
    parts = _cut_parts(tasks, folder, preparation.recipe, jobs, advance, part_photos)
    sorting = sort_faces(folder, parts, preparation.choice, lists)
    written = write_results(folder, parts, results, sorting, preparation.choice.source)
    folder.remove()
    return written


def _task(photo: Photo, annotations: Annotations | None) -> Task:
    if photo.problem:
        return Task(photo.path, photo.name, None, Skipped(photo.name, None, Reason.UNREADABLE, photo.problem))
    if annotations is None:
        return Task(photo.path, photo.name, None)
    try:
        annotation = annotations.find(photo.path, photo.name)
    except InputError as error:
        return Task(photo.path, photo.name, None, Skipped(photo.name, None, Reason.BAD_ANNOTATION, str(error)))
    verdict = None if annotation is not None else Skipped(photo.name, None, Reason.NOT_ANNOTATED)
    return Task(photo.path, photo.name, annotation, verdict)


def _nothing_annotated(source: str, tasks: Sequence[Task]) -> UsageError:
    verdict = tasks[0].verdict
    why = verdict.detail if verdict is not None and verdict.detail else "no photo of that name"
    return UsageError(
        f"expected `landmarks` {source} to annotate the photos, it fits none of {len(tasks)}; "
        f"for {tasks[0].name!r}: {why}"
    )


def _settings(
    photos: Sequence[Photo], annotations: Annotations | None, recipe: Recipe, part_photos: int
) -> dict[str, Any]:
    """Everything that the parts depend on, as JSON would give it back."""
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
    """Size and time of a file, by which a changed one is known."""
    try:
        state = None if path is None else path.stat()
    except OSError:
        state = None
    return "" if state is None else f"{state.st_size} {state.st_mtime_ns}"


def _cut_parts(
    tasks: Sequence[Task],
    folder: PartFolder,
    recipe: Recipe,
    jobs: int,
    advance: Callable[[int], None],
    part_photos: int,
) -> int:
    """Do the parts that are missing.

    Returns:
        How many parts there are.
    """
    runs = [tasks[first : first + part_photos] for first in range(0, len(tasks), part_photos)]
    missing = [number for number in range(len(runs)) if not folder.has(number)]
    advance(len(tasks) - sum(len(runs[number]) for number in missing))
    if not missing:
        return len(runs)
    waiting: Iterator[Task] = (task for number in missing for task in runs[number])
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
