"""Input files: what counts as one, the paths of their results, and parts of them."""

import codecs
import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from dicface.files import real_path
from dicface.images.clips import is_clip
from dicface.images.photo import READ_SUFFIXES, WRITE_SUFFIXES


class Job(NamedTuple):
    """An input file and its results.

    Attributes:
        source: the file, or a folder without usable files.
        target: path of the result.
        problem: why it cannot be read, if that is known already; else empty.
        beside: paths of further results.
        alone: no other input of the call can have the same results.
    """

    source: Path
    target: Path
    problem: str = ""
    beside: tuple[Path, ...] = ()
    alone: bool = False


@dataclass(frozen=True)
class Shard:
    """One of several parts of the inputs, by a hash of each one's relative path.

    Attributes:
        index: which part, from 0.
        count: number of parts.
    """

    index: int = 0
    count: int = 1

    def has(self, name: str) -> bool:
        """Whether an input belongs to the part.

        Args:
            name: path of its result relative to the output folder, with slashes. Photos with the same result are in the
                same part.
        """
        if self.count == 1:
            return True
        digest = hashlib.blake2b(os.fsencode(name), digest_size=8).digest()
        return int.from_bytes(digest, "big") % self.count == self.index


ALL_INPUTS = Shard()
"""All inputs."""


_NOT_PHOTOS = frozenset(
    {
        *("@eadir", "@tmp", "@recycle", "@recently-snapshot", "#recycle", "#snapshot"),
        *("$recycle.bin", "recycler", "system volume information", "lost+found", "__macosx"),
    }
)
"""Folders of NAS, Windows, macOS and file systems, in lower case; hidden names begin with a full stop."""


def is_hidden(name: str) -> bool:
    """Whether a name is that of a hidden file or folder, a bin, or a folder of thumbnails."""
    return name.startswith(".") or name.lower() in _NOT_PHOTOS


def is_image(name: str) -> bool:
    """Whether a name has the suffix of an image that is read."""
    return os.path.splitext(name)[1].lower() in READ_SUFFIXES  # noqa: PTH122 - of a million names


def is_media(name: str) -> bool:
    """Whether a name has the suffix of an image or a clip."""
    return is_image(name) or is_clip(name)


class LeftOut(NamedTuple):
    """Files in folders that are no inputs.

    Attributes:
        hidden: number of images that are hidden, or in hidden folders, bins and folders of other programs' thumbnails.
        foreign: number of PDF and RAW files, which are not read.
        clips: number of clips, for which the extra is missing.
    """

    hidden: int = 0
    foreign: int = 0
    clips: int = 0

    def text(self) -> str:
        """What was left out as text; empty if nothing was."""
        parts: list[str] = []
        if self.hidden:
            parts.append(f"left out {_counted(self.hidden, 'image')} in hidden folders, bins and folders of thumbnails")
        if self.foreign:
            parts.append(
                f"left out {_counted(self.foreign, 'PDF or RAW file')}; give one by itself to learn what to do with it"
            )
        if self.clips:
            parts.append(
                f"left out {_counted(self.clips, 'clip')}, for which the extra is missing; pip install 'dicface[video]'"
            )
        return "; ".join(parts)


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def target_below(folder: Path, relative: Path) -> Path:
    """Path of the result of an image or a clip: its own below a folder, as PNG if its format cannot be written."""
    is_written = relative.suffix.lower() in WRITE_SUFFIXES or is_clip(relative.name)
    suffix = relative.suffix if is_written else ".png"
    return folder / relative.parent / f"{relative.stem}{suffix}"


def read_list(content: bytes) -> list[Path]:
    """The paths of a list of files: one a line, or separated by zero bytes as `find -print0` writes them.

    Names that are no text are taken as they are. A byte order mark and empty lines are passed over.
    """
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        content = content.decode("utf-16").encode()
    text = os.fsdecode(content.removeprefix(codecs.BOM_UTF8))
    lines = text.split("\0") if "\0" in text else text.splitlines()
    return [Path(line) for line in lines if line.strip()]


def with_map(job: Job) -> Job:
    """The same job, which also writes `NAME.uncertainty.png` beside its result `NAME.*`."""
    return job._replace(beside=(job.target.with_name(f"{job.target.stem}.uncertainty.png"),))


def results_of(job: Job) -> set[Path]:
    return {real_path(path) for path in (job.target, *job.beside)}
