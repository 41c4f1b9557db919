"""Photos from a list, from stdin and to stdout."""

import atexit
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dicface.errors import UsageError

PIPE = Path("-")


def listed(given: Sequence[Path] | None, files_from: Path | None) -> list[Path]:
    """The inputs of a call: those given, and those of a list.

    Args:
        given: the arguments.
        files_from: a file with a path a line, or `-` for stdin; None for none.

    Raises:
        UsageError: there are none, or the list cannot be read.
    """
    from dicface.images.inputs import read_list

    sources = list(given or [])
    if files_from is not None:
        try:
            content = sys.stdin.buffer.read() if files_from == PIPE else files_from.read_bytes()
        except OSError as error:
            raise UsageError(
                f"expected --files-from to name a list of files, could not read {str(files_from)!r}: {error.strerror}"
            ) from error
        sources += read_list(content)
    if not sources:
        raise UsageError("expected photos or folders, or --files-from with a list of them, got none")
    return sources


class Pipes:
    """stdin and stdout in place of one photo and its result.

    Args:
        sources: the inputs; `-` alone stands for stdin.
        out: the output; `-` stands for stdout.
        maps: a map is written beside the result.

    Attributes:
        sources, out: the same, with temporary files for what comes or goes through a pipe.
        to_stdout: the result goes to stdout, so that nothing else may.

    Raises:
        UsageError: several inputs and a pipe; or two results, or a terminal, for stdout.
    """

    def __init__(self, sources: Sequence[Path], out: Path, *, maps: bool = False) -> None:
        self.sources, self.out, self.to_stdout = list(sources), out, out == PIPE
        self._from_stdin = PIPE in self.sources
        if not self._from_stdin and not self.to_stdout:
            return
        if len(self.sources) != 1 or self.sources[0].is_dir():
            raise UsageError(f"expected one photo with a pipe (-), got {len(self.sources)} inputs or a folder")
        if self.to_stdout and maps:
            raise UsageError("expected --out FILE with --uncertainty, which writes a second file, got -")
        if self.to_stdout and sys.stdout.isatty():
            raise UsageError("expected --out - with stdout in a file or a pipe, got a terminal")
        folder = Path(tempfile.mkdtemp(prefix="dicface-"))
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        if self._from_stdin:
            self.sources = [folder / "stdin"]
            with self.sources[0].open("wb") as file:
                shutil.copyfileobj(sys.stdin.buffer, file)
        if self.to_stdout:
            from dicface.images.photo import suffix_for

            self.out = folder / f"stdout{suffix_for(self.sources[0])}"

    def name(self, path: Path) -> str:
        """A path as the caller knows it."""
        piped = (self._from_stdin and path == self.sources[0]) or (self.to_stdout and path == self.out)
        return str(PIPE) if piped else str(path)

    def row(self, row: dict[str, Any]) -> dict[str, Any]:
        """A row of the report with the paths as the caller knows them."""
        return row | {key: self.name(Path(row[key])) for key in ("input", "output")}

    def deliver(self) -> None:
        """Write the result to stdout, if it goes there and there is one."""
        if self.to_stdout and self.out.exists():
            sys.stdout.flush()
            with self.out.open("rb") as file:
                shutil.copyfileobj(file, sys.stdout.buffer)
            sys.stdout.buffer.flush()
