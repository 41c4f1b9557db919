"""Batches of files: what goes in, where it comes out, what failed."""

import os
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple, TypeVar

from dicface.errors import DicfaceError, ImageError, OutputError, UsageError
from dicface.files import real_path
from dicface.images.photo import READ_SUFFIXES, WRITE_SUFFIXES, Photo, read_photo

Result = TypeVar("Result")
WORKERS = min(4, (os.cpu_count() or 1) + 1)
"""Photos at a time: one more than cores, since somebody always waits for a disk."""
RESULT_MEGAPIXELS = 64.0
"""Size of the results that are worked on at a time, together; a larger one is alone. About 10 MB a megapixel."""


class Job(NamedTuple):
    """One file to work on.

    Attributes:
        source: the file, or a folder that gave none.
        target: where its result goes.
        problem: why it cannot be worked on, if that is known beforehand.
        beside: further files that it writes.
    """

    source: Path
    target: Path
    problem: str = ""
    beside: tuple[Path, ...] = ()


class Failure(NamedTuple):
    """A job that could not be done, and why."""

    source: Path
    error: DicfaceError


def _is_folder(path: Path) -> bool:
    """Whether it is a folder; what cannot even be looked at is none."""
    try:
        return path.is_dir()
    except OSError:
        return False


def _images_below(folder: Path, out: Path) -> list[Job]:
    """A job for each image below a folder, and one for each subfolder that cannot be read."""
    results = real_path(out) if real_path(folder) in real_path(out).parents else None
    jobs: list[Job] = []

    def unreadable(error: OSError) -> None:
        jobs.append(Job(Path(error.filename), out, f"the folder cannot be read: {error.strerror}"))

    for parent, folders, names in os.walk(folder, onerror=unreadable):
        # Results of an earlier call that lie below the input are not input.
        folders[:] = sorted(name for name in folders if real_path(Path(parent, name)) != results)
        for name in sorted(names):
            image = Path(parent, name)
            if image.suffix.lower() in READ_SUFFIXES and not name.startswith("."):
                jobs.append(Job(image, _target(out, image.relative_to(folder))))
    expected = f"expected a folder with images ({' '.join(READ_SUFFIXES)}), found none in it"
    return jobs or [Job(folder, out, expected)]


def _target(folder: Path, relative: Path) -> Path:
    suffix = relative.suffix if relative.suffix.lower() in WRITE_SUFFIXES else ".png"
    return folder / relative.parent / f"{relative.stem}{suffix}"


def list_jobs(sources: Sequence[Path], out: Path) -> list[Job]:
    """Pair inputs with outputs.

    A folder stands for all images below it, whose subfolders are kept. One file goes to `out` itself if that has a
    suffix and is no folder; everything else goes below `out` under its own name, as PNG if its format cannot be
    written.

    Args:
        sources: files and folders.
        out: the output file or folder.

    Raises:
        UsageError: `out` is named like an image, but there are several inputs or it cannot be written.
    """
    one_file = len(sources) == 1 and not _is_folder(sources[0])
    like_an_image = out.suffix.lower() in {*READ_SUFFIXES, *WRITE_SUFFIXES}
    if (like_an_image or (one_file and out.suffix)) and not _is_folder(out):
        if out.suffix.lower() not in WRITE_SUFFIXES:
            endings = " ".join(WRITE_SUFFIXES)
            raise UsageError(f"expected an output ending in one of {endings}, or an existing folder, got {out.name!r}")
        if not one_file:
            raise UsageError(f"expected a folder for several results, got {out.name!r}, which is named like an image")
        return [Job(sources[0], out)]
    return jobs_below(sources, out)


def jobs_below(sources: Sequence[Path], folder: Path) -> list[Job]:
    """Pair inputs, files and folders, with their places below a folder, whatever it is called."""
    jobs: list[Job] = []
    for source in dict.fromkeys(sources):
        one = Job(source, _target(folder, Path(source.name)))
        jobs += _images_below(source, folder) if _is_folder(source) else [one]
    return jobs


def with_maps(jobs: Sequence[Job]) -> list[Job]:
    """The same jobs, each of which also writes `NAME.uncertainty.png` beside its result `NAME.*`."""
    return [job._replace(beside=(job.target.with_name(f"{job.target.stem}.uncertainty.png"),)) for job in jobs]


def split_finished(jobs: Sequence[Job]) -> tuple[list[Job], list[Job]]:
    """The jobs that are left, and those whose results are all there.

    A job that would be refused is left: one that would replace an input, and of several with one result all but the
    first.
    """
    left: list[Job] = []
    finished: list[Job] = []
    taken = {real_path(job.source) for job in jobs}
    for job in jobs:
        results = _results(job)
        there = not job.problem and not results & taken and all(path.is_file() for path in results)
        (finished if there else left).append(job)
        taken |= results
    return left, finished


def run_jobs(
    jobs: Sequence[Job],
    work: Callable[[Job], Result],
    overwrite: bool,
    workers: int = 1,
    finished: Sequence[Job] = (),
) -> Generator[tuple[Job, Result | Failure]]:
    """Do jobs, several at a time; a failed one does not stop the rest.

    Reading, searching, restoring and writing leave Python most of the time, so that workers at different stages
    keep all cores busy. Results come in the order of the jobs and are those of one job after the other.

    Args:
        jobs: what to do.
        work: does one, raising `DicfaceError` if it cannot be done; called from `workers` threads at once.
        overwrite: existing results may be replaced; inputs of any of the jobs never are.
        workers: jobs at a time. Twice as many are begun or wait to be handed out, so memory does not grow with jobs.
        finished: were done by an earlier call; neither their inputs nor their results are replaced.

    Yields:
        Each job when it and those before it are over, with what `work` gave or its failure.
    """
    sources = {real_path(job.source) for job in (*jobs, *finished)}
    written = {result for job in finished for result in _results(job)}
    begun: deque[tuple[Job, Future[Result | Failure]]] = deque()

    def finish_oldest() -> tuple[Job, Result | Failure]:
        job, future = begun.popleft()
        result = future.result()
        if not isinstance(result, Failure):
            written.update(_results(job))
        return job, result

    def attempt(job: Job) -> Result | Failure:
        return _outcome(job, lambda: work(job))

    with ThreadPoolExecutor(workers) as pool:
        try:
            for job in jobs:
                # Whether a name is taken is known only when the job that would take it is over.
                while len(begun) >= 2 * workers or any(_results(job) & _results(other) for other, _ in begun):
                    yield finish_oldest()
                refused = _outcome(job, lambda job=job: _check(job, sources, written, overwrite))
                future: Future[Result | Failure] = Future()
                if isinstance(refused, Failure):
                    future.set_result(refused)
                else:
                    future = pool.submit(attempt, job)
                begun.append((job, future))
            while begun:
                yield finish_oldest()
        finally:
            # Interrupted: finish what is in hand, begin nothing more.
            for _, future in begun:
                future.cancel()


def _results(job: Job) -> set[Path]:
    return {real_path(path) for path in (job.target, *job.beside)}


def _outcome(job: Job, work: Callable[[], Result]) -> Result | Failure:
    try:
        return work()
    except DicfaceError as error:
        return Failure(job.source, error)
    except MemoryError:
        return Failure(job.source, ImageError("not enough memory; use a smaller --scale or shrink the photo"))
    except OSError as error:
        return Failure(job.source, OutputError(f"{error.strerror}: {error.filename!r}"))


class PhotoGate:
    """Where photos come in: one is read at a time, and of large ones only few are worked on at once."""

    def __init__(self) -> None:
        # Reading hushes Python's warnings, which is a matter of the whole process.
        self._reading = threading.Lock()
        self._budget = PixelBudget(RESULT_MEGAPIXELS)

    @contextmanager
    def photo(self, path: Path, max_megapixels: float, scale: float) -> Generator[tuple[Photo, float]]:
        """Read a photo, and wait until there is room for its result.

        Yields:
            The photo, and the seconds that reading took.

        Raises:
            ImageError: it cannot be read.
        """
        with self._reading:
            start = time.perf_counter()
            photo = read_photo(path, max_megapixels)
            read_s = time.perf_counter() - start
        height, width = photo.pixels.shape[:2]
        with self._budget.share(height * width * scale**2 / 1e6):
            yield photo, read_s


class PixelBudget:
    """Lets several small pictures through at once, and large ones one by one."""

    def __init__(self, megapixels: float) -> None:
        self._free = megapixels
        self._whole = megapixels
        self._changed = threading.Condition()

    @contextmanager
    def share(self, megapixels: float) -> Generator[None]:
        """Wait until that much is free; what exceeds the whole budget waits until it is alone."""
        wanted = min(megapixels, self._whole)
        with self._changed:
            self._changed.wait_for(lambda: self._free >= wanted)
            self._free -= wanted
        try:
            yield
        finally:
            with self._changed:
                self._free += wanted
                self._changed.notify_all()


def _check(job: Job, sources: set[Path], written: set[Path], overwrite: bool) -> None:
    if job.problem:
        raise ImageError(job.problem)
    for path in (job.target, *job.beside):
        target = real_path(path)
        if target in written:
            raise OutputError(f"another input of this call was already written to {str(path)!r}; rename one")
        if target in sources:
            raise OutputError("the result would replace an input; choose another output")
        if path.is_dir():
            raise OutputError(f"expected a file name to write to, {str(path)!r} is a folder")
        if path.exists() and not overwrite:
            raise OutputError(f"{str(path)!r} exists; add --overwrite to replace it, or choose another output")
