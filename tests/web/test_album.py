"""Uploaded photos lie in private folders with names that cannot be guessed, and do not stay."""

import os
from pathlib import Path

import pytest

from dicface.web.album import Album, clean_name, sweep, unique_names


def test_a_photo_is_found_by_its_id_alone(tmp_path: Path) -> None:
    album = Album(tmp_path)
    entry = album.add("Holiday 1962.JPG")
    assert (entry.name, entry.source.name, len(entry.id)) == ("Holiday 1962.JPG", "source.JPG", 22)
    assert album.find(entry.id) == entry
    for wrong in ("", "..", "../x", f"{entry.id}x", entry.id[:-1], f"../{tmp_path.name}/{entry.id}"):
        assert album.find(wrong) is None
    album.remove(entry.id)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("../../etc/passwd", "passwd"),
        (r"C:\photos\a.jpg", "a.jpg"),
        ("a\x00b\n.jpg", "ab.jpg"),
        ("", "photo"),
        ("..", "photo"),
        ("Grüße aus Köln.jpeg", "Grüße aus Köln.jpeg"),
    ],
)
def test_of_a_name_what_file_systems_take_is_kept(given: str, kept: str) -> None:
    assert clean_name(given) == kept


def test_a_long_name_keeps_its_suffix() -> None:
    assert clean_name("a" * 300 + ".jpg") == "a" * 77 + ".jpg"


def test_an_unknown_suffix_is_not_that_of_a_file_on_the_server(tmp_path: Path) -> None:
    entry = Album(tmp_path).add("a.exe")
    assert (entry.name, entry.source.name) == ("a.exe", "source")


def test_names_in_a_zip_are_all_different() -> None:
    assert unique_names(["a.jpg", "a.jpg", "a-2.jpg", "a.jpg"]) == ["a.jpg", "a-2.jpg", "a-2-2.jpg", "a-3.jpg"]


def test_a_photo_in_use_stays(tmp_path: Path) -> None:
    album = Album(tmp_path)
    used, unused = album.add("a.jpg"), album.add("b.jpg")
    for entry in (used, unused):
        entry.source.write_bytes(b"a")
        for path in (*entry.folder.iterdir(), entry.folder):
            os.utime(path, (1, 1))
    assert album.find(used.id) is not None
    for _ in range(2):  # a folder is new while files in it are deleted
        sweep(tmp_path, older_than_s=60)
        if unused.folder.exists():
            os.utime(unused.folder, (1, 1))
    assert [path.name for path in tmp_path.iterdir()] == [used.id]
    assert used.source.exists()
    assert tmp_path.exists()
