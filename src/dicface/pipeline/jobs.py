"""Batches of files: what goes in, where it comes out, what failed."""

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from dicface.errors import DicfaceError, ImageError, OutputError, UsageError
from dicface.files import real_path
from dicface.images import READ_SUFFIXES, WRITE_SUFFIXES


class Job(NamedTuple):
    """One file to work on.

    Attributes:
        source: the file, or a folder that gave none.
        target: where its result goes.
        problem: why it cannot be worked on, if that is known beforehand.
    """

    source: Path
    target: Path
    problem: str = ""


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

    A folder stands for all images below it, whose subfolders are kept. One file goes to `out` itself if that has an
    image's suffix; everything else goes below `out` under its own name, as PNG if its format cannot be written.

    Args:
        sources: files and folders.
        out: the output file or folder.

    Raises:
        UsageError: `out` is named like an image, but there are several inputs or it cannot be written.
    """
    if out.suffix.lower() in {*READ_SUFFIXES, *WRITE_SUFFIXES} and not _is_folder(out):
        if out.suffix.lower() not in WRITE_SUFFIXES:
            raise UsageError(f"expected an output ending in one of {' '.join(WRITE_SUFFIXES)}, got {out.name!r}")
        if len(sources) != 1 or _is_folder(sources[0]):
            raise UsageError(f"expected a folder for several results, got {out.name!r}, which is named like an image")
        return [Job(sources[0], out)]
    jobs: list[Job] = []
    for source in dict.fromkeys(sources):
        jobs += _images_below(source, out) if _is_folder(source) else [Job(source, _target(out, Path(source.name)))]
    return jobs


def run_jobs(jobs: Sequence[Job], work: Callable[[Job], None], overwrite: bool) -> Iterator[tuple[Job, Failure | None]]:
    """Do one job after the other; a failed one does not stop the rest.

    Args:
        jobs: what to do.
        work: does one, raising `DicfaceError` if it cannot be done.
        overwrite: existing results may be replaced; inputs of any of the jobs never are.

    Yields:
        Each job when it is over, with its failure if it failed.
    """
    sources = {real_path(job.source) for job in jobs}
    written: set[Path] = set()
    for job in jobs:
        try:
            _check(job, sources, written, overwrite)
            work(job)
            written.add(real_path(job.target))
        except DicfaceError as error:
            yield job, Failure(job.source, error)
        except MemoryError:
            yield job, Failure(job.source, ImageError("not enough memory; use a smaller --scale or shrink the photo"))
        except OSError as error:
            yield job, Failure(job.source, OutputError(f"{error.strerror}: {error.filename!r}"))
        else:
            yield job, None


def _check(job: Job, sources: set[Path], written: set[Path], overwrite: bool) -> None:
    if job.problem:
        raise ImageError(job.problem)
    target = real_path(job.target)
    if target in written:
        raise OutputError(f"another input of this call was already written to {str(job.target)!r}; rename one")
    if target in sources:
        raise OutputError("the result would replace an input; choose another output")
    if job.target.is_dir():
        raise OutputError(f"expected a file name to write to, {str(job.target)!r} is a folder")
    if job.target.exists() and not overwrite:
        raise OutputError(f"{str(job.target)!r} exists; add --overwrite to replace it, or choose another output")
