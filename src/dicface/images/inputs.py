"""Input files, in folders or alone, and where their results go."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from dicface.errors import UsageError
from dicface.files import real_path
from dicface.images.photo import READ_SUFFIXES, WRITE_SUFFIXES


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
        results = results_of(job)
        there = not job.problem and not results & taken and all(path.is_file() for path in results)
        (finished if there else left).append(job)
        taken |= results
    return left, finished


def results_of(job: Job) -> set[Path]:
    return {real_path(path) for path in (job.target, *job.beside)}
