"""Input files, the paths of their results, and parts of them."""

import codecs
import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from dicface.files import real_path
from dicface.images.clips import is_clip
from dicface.images.photo import WRITE_SUFFIXES


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
