"""Files appear under their name complete or not at all."""

import hashlib
import json
import os
import secrets
from collections.abc import Collection, Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from dicface.errors import OutputError


@contextmanager
def written_whole(path: Path) -> Generator[Path]:
    """Give a temporary name beside `path`, and move the file to `path` if all went well.

    Args:
        path: where the file shall be; its folder is made if missing.

    Yields:
        The name to write to. It keeps the suffix, by which libraries choose a format.

    Raises:
        OutputError: the folder cannot be made or written, or the disk is full.
    """
    part = path.with_name(f".part-{os.getpid()}-{secrets.token_hex(4)}{path.suffix}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield part
        part.replace(path)
    except OSError as error:
        raise OutputError(f"could not write {str(path)!r}: {error.strerror or error}; choose another output") from error
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)


def check_target(
    path: Path, *, overwrite: bool = False, inputs: Collection[Path] = (), another: str = "another output"
) -> None:
    """Make sure, before any work, that a file may be written there.

    Args:
        path: the file.
        overwrite: it may be replaced if it exists.
        inputs: files that are read, by their real paths; none of them is ever replaced.
        another: what the user may choose instead.

    Raises:
        OutputError: it is a folder or an input, or it exists.
    """
    if real_path(path) in inputs:
        raise OutputError(f"the result would replace an input; choose {another}")
    if path.is_dir():
        raise OutputError(f"expected a file name to write to, {str(path)!r} is a folder")
    if path.exists() and not overwrite:
        raise OutputError(f"{str(path)!r} exists; add `overwrite` to replace it, or choose {another}")


def real_path(path: Path) -> Path:
    """Where a path leads in the end. Links that lead in a circle lead to themselves, where `Path.resolve` fails."""
    return Path(os.path.realpath(path))


def file_digest(path: Path) -> str:
    """SHA-256 of a file, hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_json(path: Path, content: Any) -> None:
    """Write JSON, complete or not at all.

    Raises:
        OutputError: it cannot be written.
    """
    with written_whole(path) as part:
        part.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
