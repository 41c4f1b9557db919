"""Drivers of fsspec: names are names, not patterns."""

import uuid
from typing import Any

import pytest

from dicface.batches.storage import Store

fsspec = pytest.importorskip("fsspec")
pytest.importorskip("pyarrow")


@pytest.mark.parametrize("folder", ["a[1]", "a*", "a?", "[ab]"])
def test_a_file_is_written_replaced_and_deleted_by_its_name(folder: str) -> None:
    """Though there are files that its name, as a pattern, would mean."""
    place = f"memory://{uuid.uuid4().hex}"
    others = ["a1/x.png", "ab/x.png", "a/x.png"]
    for other in others:
        Store(place).write(other, b"precious")
    store = Store(f"{place}/{folder}")
    for content in (b"first", b"second"):
        store.write("x.png", content)
        assert store.read("x.png") == content
    store.check_writable()
    assert store.folder("") == ([], ["x.png"])
    assert store.shown("x.png") == f"{place}/{folder}/x.png"
    assert {Store(place).read(other) for other in others} == {b"precious"}


def test_a_driver_that_renames_is_asked_to(monkeypatch: pytest.MonkeyPatch) -> None:
    """By two names alone, as that of SFTP takes them; if it moves onto no file, the file is deleted before."""
    from fsspec.implementations.memory import MemoryFileSystem

    def renamed(system: MemoryFileSystem, old: str, new: str) -> None:
        if system.isfile(new):
            raise RuntimeError("of the driver's own")
        system.store[new] = system.store.pop(old)

    place = f"memory://{uuid.uuid4().hex}"
    monkeypatch.setattr(MemoryFileSystem, "mv", renamed)
    for content in (b"first", b"second"):
        Store(place).write("a[1].png", content)
    assert Store(place).read("a[1].png") == b"second"
    assert Store(place).folder("") == ([], ["a[1].png"])


def test_a_folder_that_a_driver_cannot_list_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    from fsspec.implementations.memory import MemoryFileSystem

    def refused(system: MemoryFileSystem, path: str, **settings: Any) -> None:
        raise PermissionError("not allowed to list")

    monkeypatch.setattr(MemoryFileSystem, "ls", refused)
    with pytest.raises(PermissionError, match="not allowed to list"):
        Store("memory://some").folder("below")
