"""Batches of files: what goes in, where it comes out, what failed."""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from dicface.errors import DicfaceError, ImageError, OutputError, UsageError
from dicface.images import READ_SUFFIXES, WRITE_SUFFIXES


class Job(NamedTuple):
    """One file to work on.

    Attributes:
        source: the file, or a folder without images.
        target: where its result goes.
    """

    source: Path
    target: Path


class Failure(NamedTuple):
    """A job that could not be done, and why."""

    source: Path
    error: DicfaceError


def _images_below(folder: Path) -> list[Path]:
    found: list[Path] = []
    for parent, folders, names in os.walk(folder):
        folders.sort()
        images = (name for name in sorted(names) if Path(name).suffix.lower() in READ_SUFFIXES)
        found += [Path(parent, name) for name in images if not name.startswith(".")]
    return found


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
        UsageError: several inputs and `out` named like an image.
    """
    named_like_image = out.suffix.lower() in WRITE_SUFFIXES and not out.is_dir()
    if named_like_image and len(sources) == 1 and not sources[0].is_dir():
        return [Job(sources[0], out)]
    if named_like_image:
        raise UsageError(
            f"expected a folder to write several results to, got {out.name!r}, which is named like an image"
        )
    jobs: list[Job] = []
    for source in sources:
        if source.is_dir():
            images = [image for image in _images_below(source) if out.resolve() not in image.resolve().parents]
            jobs += [Job(image, _target(out, image.relative_to(source))) for image in images]
            if not images:
                jobs.append(Job(source, out))
        else:
            jobs.append(Job(source, _target(out, Path(source.name))))
    return jobs


def run_jobs(jobs: Iterable[Job], work: Callable[[Job], None], overwrite: bool) -> Iterator[tuple[Job, Failure | None]]:
    """Do one job after the other; a failed one does not stop the rest.

    Args:
        jobs: what to do.
        work: does one, raising `DicfaceError` if it cannot be done.
        overwrite: existing results may be replaced; inputs never are.

    Yields:
        Each job when it is over, with its failure if it failed.
    """
    written: set[Path] = set()
    for job in jobs:
        try:
            _check(job, written, overwrite)
            work(job)
            written.add(job.target)
        except DicfaceError as error:
            yield job, Failure(job.source, error)
        except MemoryError:
            yield job, Failure(job.source, ImageError("not enough memory; use a smaller --scale or shrink the photo"))
        else:
            yield job, None


def _check(job: Job, written: set[Path], overwrite: bool) -> None:
    if job.source.is_dir():
        raise ImageError(f"expected a folder with images ({' '.join(READ_SUFFIXES)}), found none in it")
    if job.target in written:
        raise OutputError(f"another input of this call was already written to {str(job.target)!r}; rename one")
    if job.target.exists():
        if job.source.exists() and job.target.samefile(job.source):
            raise OutputError("the result would replace the input; choose another output")
        if job.target.is_dir():
            raise OutputError(f"expected a file name to write to, {str(job.target)!r} is a folder")
        if not overwrite:
            raise OutputError(f"{str(job.target)!r} exists; add --overwrite to replace it, or choose another output")
