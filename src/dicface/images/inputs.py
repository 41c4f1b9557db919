"""Lists of input files and the paths of their results."""

import codecs
import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from dicface.errors import UsageError
from dicface.files import real_path
from dicface.images.foreign import is_foreign
from dicface.images.photo import READ_SUFFIXES, WRITE_SUFFIXES

_NOT_PHOTOS = frozenset(
    {
        *("@eadir", "@tmp", "@recycle", "@recently-snapshot", "#recycle", "#snapshot"),
        *("$recycle.bin", "recycler", "system volume information", "lost+found", "__macosx"),
    }
)
"""Folders of NAS, Windows, macOS and file systems, in lower case; hidden names begin with a full stop."""


class Job(NamedTuple):
    """An input file and its results.

    Attributes:
        source: the file, or a folder without usable files.
        target: path of the result.
        problem: why it cannot be read, if that is known already; else empty.
        beside: paths of further results.
    """

    source: Path
    target: Path
    problem: str = ""
    beside: tuple[Path, ...] = ()


class Listing(NamedTuple):
    """The images of files and folders.

    Attributes:
        jobs: a job for each.
        hidden: number of images that were left out: hidden ones, and those in hidden folders, bins and folders of
            other programs' thumbnails.
        foreign: number of PDF and RAW files in folders, which are not read.
    """

    jobs: list[Job]
    hidden: int = 0
    foreign: int = 0

    def left_out(self) -> str:
        """What was left out as text; empty if nothing was."""
        parts: list[str] = []
        if self.hidden:
            parts.append(f"left out {self.hidden} images in hidden folders, bins and folders of thumbnails")
        if self.foreign:
            parts.append(f"left out {self.foreign} PDF and RAW files; give one by itself to learn what to do with it")
        return "; ".join(parts)


def _is_folder(path: Path) -> bool:
    """Whether a path is a folder; False where access is denied."""
    try:
        return path.is_dir()
    except OSError:
        return False


def _is_hidden(name: str) -> bool:
    return name.startswith(".") or name.lower() in _NOT_PHOTOS


def _count_images(folder: Path) -> int:
    return sum(Path(name).suffix.lower() in READ_SUFFIXES for _, _, names in os.walk(folder) for name in names)


def _images_below(folder: Path, out: Path) -> Listing:
    """A job for each image below a folder, and one for each subfolder that cannot be read."""
    results = real_path(out) if real_path(folder) in real_path(out).parents else None
    jobs: list[Job] = []
    hidden = foreign = 0

    def unreadable(error: OSError) -> None:
        jobs.append(Job(Path(error.filename), out, f"the folder cannot be read: {error.strerror}"))

    for parent, folders, names in os.walk(folder, onerror=unreadable):
        hidden += sum(_count_images(Path(parent, name)) for name in folders if _is_hidden(name))
        # Results of an earlier call below the input folder are no inputs.
        folders[:] = sorted(
            name for name in folders if not _is_hidden(name) and real_path(Path(parent, name)) != results
        )
        for name in sorted(names):
            image = Path(parent, name)
            foreign += is_foreign(image) and not _is_hidden(name)
            if image.suffix.lower() in READ_SUFFIXES:
                hidden += _is_hidden(name)
                if not _is_hidden(name):
                    jobs.append(Job(image, _target(out, image.relative_to(folder))))
    expected = f"expected a folder with images ({' '.join(READ_SUFFIXES)}), found none in it"
    return Listing(jobs or [Job(folder, out, expected)], hidden, foreign)


def _target(folder: Path, relative: Path) -> Path:
    suffix = relative.suffix if relative.suffix.lower() in WRITE_SUFFIXES else ".png"
    return folder / relative.parent / f"{relative.stem}{suffix}"


def list_jobs(sources: Sequence[Path], out: Path) -> Listing:
    """Pair inputs with outputs.

    A folder stands for all images below it, whose subfolders are kept; hidden ones, bins and folders of thumbnails are
    left out. A single file goes to `out` itself if that has a
    suffix and is no folder. All others go below `out` under their own names, as PNG if their format cannot be written.

    Args:
        sources: files and folders.
        out: the output file or folder.

    Raises:
        UsageError: `out` has an image suffix, but there are several inputs or the format cannot be written.
    """
    one_file = len(sources) == 1 and not _is_folder(sources[0])
    like_an_image = out.suffix.lower() in {*READ_SUFFIXES, *WRITE_SUFFIXES}
    if (like_an_image or (one_file and out.suffix)) and not _is_folder(out):
        if out.suffix.lower() not in WRITE_SUFFIXES:
            endings = " ".join(WRITE_SUFFIXES)
            raise UsageError(f"expected an output ending in one of {endings}, or an existing folder, got {out.name!r}")
        if not one_file:
            raise UsageError(f"expected a folder for several results, got {out.name!r}, which is named like an image")
        return Listing([Job(sources[0], out)])
    return jobs_below(sources, out)


def jobs_below(sources: Sequence[Path], folder: Path) -> Listing:
    """Pair files and folders with paths below an output folder, whatever its name."""
    jobs: list[Job] = []
    hidden = foreign = 0
    for source in dict.fromkeys(sources):
        if _is_folder(source):
            below = _images_below(source, folder)
            jobs += below.jobs
            hidden, foreign = hidden + below.hidden, foreign + below.foreign
        else:
            jobs.append(Job(source, _target(folder, Path(source.name))))
    return Listing(jobs, hidden, foreign)


def read_list(content: bytes) -> list[Path]:
    """The paths of a list of files: one a line, or separated by zero bytes as `find -print0` writes them.

    Names that are no text are taken as they are. A byte order mark and empty lines are passed over.
    """
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        content = content.decode("utf-16").encode()
    text = os.fsdecode(content.removeprefix(codecs.BOM_UTF8))
    lines = text.split("\0") if "\0" in text else text.splitlines()
    return [Path(line) for line in lines if line.strip()]


def with_maps(jobs: Sequence[Job]) -> list[Job]:
    """The same jobs, each of which also writes `NAME.uncertainty.png` beside its result `NAME.*`."""
    return [job._replace(beside=(job.target.with_name(f"{job.target.stem}.uncertainty.png"),)) for job in jobs]


def split_finished(jobs: Sequence[Job]) -> tuple[list[Job], list[Job]]:
    """Split jobs into those to do and those whose results all exist.

    Jobs that would be refused are jobs to do: those that would replace an input, and of several with the same result
    all but the first.
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
