"""Reports as JSON lines: appended while a batch goes on, read and merged without holding them in memory."""

import hashlib
import json
import os
import threading
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Literal, NamedTuple, Self

from dicface.batches.jobs import Failure
from dicface.errors import InputError, OutputError
from dicface.files import written_whole
from dicface.images.inputs import Job
from dicface.restoration.report import without_landmarks

LINES_SUFFIX = ".jsonl"
PhotoOutcome = Literal["done", "skipped", "failed"]
"""Outcome of a photo: its result was written, was there already, or could not be made."""
_RANKS: dict[str, int] = {"failed": 0, "skipped": 1, "done": 2}


def done_row(photo: dict[str, Any], *, landmarks: bool = True) -> dict[str, Any]:
    """The row of a finished photo.

    Args:
        photo: its `FileResult.report_row`.
        landmarks: keep the landmarks of its faces, most of a row.
    """
    return {"outcome": "done", **(photo if landmarks else without_landmarks(photo))}


def skipped_row(source: str, target: str) -> dict[str, Any]:
    """The row of a photo whose result was there already."""
    return {"outcome": "skipped", "input": source, "output": target}


def failed_row(source: str, error: str) -> dict[str, Any]:
    """The row of a photo that could not be restored."""
    return {"outcome": "failed", "input": source, "error": error}


def encoded(row: dict[str, Any]) -> bytes:
    """A row as a line. Names that are no text keep their bytes as escapes."""
    return json.dumps(row, separators=(",", ":")).encode() + b"\n"


class LinesReport:
    """A report of a batch to which a line is appended as soon as a photo is finished; see `Report`.

    A line is written by one call, so that a killed batch loses none, and several may append to one local file.

    Args:
        path: the file; continued if it exists.
        landmarks: with the landmarks of each face.
    """

    def __init__(self, path: Path, *, landmarks: bool = True) -> None:
        self._path, self._landmarks = path, landmarks
        self.spent_s: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._file: BinaryIO | None = None

    def in_order_of(self, jobs: Iterable[Job]) -> Iterator[Job]:
        """See `Report.in_order_of`; the rows come in the order in which photos are finished."""
        return iter(jobs)

    def add(self, job: Job, photo: dict[str, Any]) -> None:
        """See `Report.add`."""
        del job
        with self._lock:
            self.spent_s.update(photo["stages_s"])
        self.append(done_row(photo, landmarks=self._landmarks))

    def add_skipped(self, job: Job) -> None:
        """See `Report.add_skipped`."""
        self.append(skipped_row(str(job.source), str(job.target)))

    def add_failure(self, failure: Failure) -> None:
        """See `Report.add_failure`."""
        self.append(failed_row(str(failure.source), str(failure.error)))

    def append(self, row: dict[str, Any]) -> None:
        """Add a row as it is.

        Raises:
            OutputError: it cannot be written.
        """
        assert self._file is not None, "rows are added within the context"
        try:
            with self._lock:
                line = encoded(row)
                if self._file.write(line) < len(line):
                    raise OutputError(f"could not write {str(self._path)!r}: no space left")
        except OSError as error:
            raise OutputError(f"could not write {str(self._path)!r}: {error.strerror}") from error

    def __enter__(self) -> Self:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self._path.open("ab", buffering=0)
            end_line(self._file, self._path)
        except OSError as error:
            raise OutputError(f"could not write {str(self._path)!r}: {error.strerror}; choose another file") from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None


def end_line(file: BinaryIO, path: Path) -> None:
    """End a last line that a crash of the machine has cut off, so that the next is a line of its own."""
    with path.open("rb") as written:
        if written.seek(0, os.SEEK_END):
            written.seek(-1, os.SEEK_END)
            if written.read() != b"\n":
                file.write(b"\n")


class MergedReport(NamedTuple):
    """Numbers of a merged report.

    Attributes:
        done, skipped, failed: photos by their outcome.
        damaged: lines that are no rows, such as one that was cut off.
    """

    done: int
    skipped: int
    failed: int
    damaged: int


def merge_reports(paths: Sequence[Path], out: Path) -> MergedReport:
    """Merge reports of shards, of repeated calls and of an engine into one with a row for each input.

    Of several rows of an input one is kept: a result that was written before one that was there, and that before a
    failure; among equals the last. Two passes; memory is about 250 bytes for each input.

    Args:
        paths: reports as JSON lines.
        out: the merged report, replaced if it exists. Rows stand in the order of the reports.

    Raises:
        InputError: a report cannot be read, or has lines of which none is a row. An empty one is allowed.
        OutputError: the merged report cannot be written.
    """
    for path in paths:
        if path.is_dir():
            raise InputError(
                f"expected a report as a file of JSON lines, got the folder {str(path)!r}; read the parts of a Parquet "
                "report as one table"
            )
        if not path.exists():
            raise InputError(f"expected a report as a file of JSON lines, found nothing at {str(path)!r}")
        if not path.is_file():
            raise InputError(f"expected a report as a file of JSON lines, which is read twice, got {str(path)!r}")
    kept: dict[bytes, tuple[int, int]] = {}  # digest of the input's name: rank, number of the line
    rows, damaged = Counter[Path](), Counter[Path]()
    for number, (path, row, _) in enumerate(_rows(paths)):
        if row is None:
            damaged[path] += 1
            continue
        rows[path] += 1
        rank, key = _RANKS[row["outcome"]], _key(row)
        if key not in kept or rank >= kept[key][0]:
            kept[key] = (rank, number)
    if others := [path for path in damaged if not rows[path]]:
        named = ", ".join(map(repr, map(str, others)))
        raise InputError(
            f"expected reports as JSON lines, found no row in {named}; a batch writes one where the report's name ends "
            f"in {LINES_SUFFIX}"
        )
    counts = Counter(rank for rank, _ in kept.values())
    lines = {number for _, number in kept.values()}
    with written_whole(out) as part, part.open("wb") as file:
        for number, (_, _, line) in enumerate(_rows(paths)):
            if number in lines:
                file.write(line)
    done, skipped, failed = (counts[_RANKS[outcome]] for outcome in ("done", "skipped", "failed"))
    return MergedReport(done, skipped, failed, damaged.total())


def _key(row: dict[str, Any]) -> bytes:
    return hashlib.blake2b(row["input"].encode("utf-8", "backslashreplace"), digest_size=16).digest()


def _rows(paths: Sequence[Path]) -> Iterator[tuple[Path, dict[str, Any] | None, bytes]]:
    """Rows of reports with their reports and lines; None for a line that is no row."""
    for path in paths:
        try:
            with path.open("rb") as file:
                for line in file:
                    if line.strip():
                        yield path, _row(line), line if line.endswith(b"\n") else line + b"\n"
        except OSError as error:
            raise InputError(f"could not read the report {str(path)!r}: {error.strerror}") from error


def _row(line: bytes) -> dict[str, Any] | None:
    try:
        row = json.loads(line)
    except ValueError:
        return None
    right = isinstance(row, dict) and isinstance(row.get("input"), str) and row.get("outcome") in _RANKS
    return row if right else None
