"""Uploaded photos on the server's disk: one folder each, with a name that cannot be guessed."""

import json
import os
import re
import secrets
import shutil
import time
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from dicface.files import write_json
from dicface.images.photo import READ_SUFFIXES, WRITE_SUFFIXES

_ID = re.compile(r"[A-Za-z0-9_-]{22}")
_NAME_CHARACTERS = 80
_UNSAFE = re.compile(r'[\x00-\x1f\x7f/\\:*?"<>|]')


class Entry(NamedTuple):
    """An uploaded photo.

    Attributes:
        id: name of its folder.
        folder: for the photo and all that is made of it.
        source: the uploaded file.
        name: what its owner calls it.
    """

    id: str
    folder: Path
    source: Path
    name: str

    @property
    def stem(self) -> str:
        """Its name without the suffix."""
        return self.name.removesuffix(self.source.suffix) if self.source.suffix else self.name


class Album:
    """The uploaded photos.

    Args:
        root: existing private folder.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def add(self, name: str) -> Entry:
        """Make a folder for a photo that is about to be uploaded.

        Args:
            name: of the file, by its owner; its folders and characters that file systems refuse are left out.
        """
        clean = clean_name(name)
        suffix = PurePosixPath(clean).suffix
        known = suffix.lower() in (*READ_SUFFIXES, *WRITE_SUFFIXES)
        entry_id = secrets.token_urlsafe(16)
        folder = self.root / entry_id
        folder.mkdir()
        write_json(folder / "name.json", {"name": clean, "suffix": suffix if known else ""})
        return self.find(entry_id) or Entry(entry_id, folder, folder / "source", clean)

    def find(self, entry_id: str) -> Entry | None:
        """The photo of an id; None if there is none, or none any more. Its files count as used from now on."""
        folder = self.root / entry_id
        if not _ID.fullmatch(entry_id) or not folder.is_dir():
            return None
        with suppress(OSError, ValueError, KeyError):
            said = json.loads((folder / "name.json").read_text(encoding="utf-8"))
            for path in (folder, *folder.rglob("*")):
                with suppress(OSError):
                    os.utime(path)
            return Entry(entry_id, folder, folder / f"source{said['suffix']}", said["name"])
        return None

    def remove(self, entry_id: str) -> None:
        """Delete a photo and all that was made of it."""
        if entry := self.find(entry_id):
            shutil.rmtree(entry.folder, ignore_errors=True)


def clean_name(name: str) -> str:
    """The last part of a path, without characters that file systems refuse, and not too long.

    >>> clean_name("../../etc/pass:wd")
    'passwd'
    """
    last = re.split(r"[/\\]", name)[-1]
    safe = _UNSAFE.sub("", last).strip(". ")
    stem, dot, suffix = safe.rpartition(".")
    return f"{stem[: _NAME_CHARACTERS - len(suffix)]}{dot}{suffix[:8]}" if stem else safe[:_NAME_CHARACTERS] or "photo"


def unique_names(names: list[str]) -> list[str]:
    """Names for one folder: repeated ones get a number.

    >>> unique_names(["a.jpg", "a.jpg", "b.png"])
    ['a.jpg', 'a-2.jpg', 'b.png']
    """
    taken: set[str] = set()
    unique: list[str] = []
    for name in names:
        stem, dot, suffix = name.rpartition(".")
        candidate, number = name, 1
        while candidate in taken:
            number += 1
            candidate = f"{stem}-{number}{dot}{suffix}"
        taken.add(candidate)
        unique.append(candidate)
    return unique


def sweep(root: Path, older_than_s: float) -> None:
    """Delete files and empty folders below a folder that were not changed for a while."""
    latest = time.time() - older_than_s
    for parent, _, names in os.walk(root, topdown=False):
        for path in (*(Path(parent, name) for name in names), Path(parent)):
            # Another request may be using it.
            with suppress(OSError):
                if path != root and path.stat().st_mtime < latest:
                    path.rmdir() if path.is_dir() else path.unlink()
