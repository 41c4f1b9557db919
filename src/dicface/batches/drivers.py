"""Drivers of fsspec, called directly where pyarrow's bridge to them takes names for patterns or refuses names."""

from typing import Any


def driver_of(system: Any) -> Any:
    """fsspec's file system behind one of pyarrow; None if there is none."""
    from pyarrow import fs

    return system.handler.fs if isinstance(system, fs.PyFileSystem) else None


def listed(driver: Any, path: str) -> tuple[list[str], list[str]]:
    """Names of the subfolders and files of a folder; both empty if there is none.

    Raises:
        OSError: it cannot be read. Drivers raise errors of their own, too.
    """
    try:
        found = driver.ls(path, detail=True)
    except FileNotFoundError:
        return [], []
    # Object stores list a folder as an entry of itself.
    below = [each for each in found if each["name"].strip("/") != path.strip("/")]
    folders, files = (
        [each["name"].rstrip("/").rpartition("/")[2] for each in below if each["type"] == kind]
        for kind in ("directory", "file")
    )
    return folders, files


def move(system: Any, source: str, target: str) -> None:
    """Move a file to another name.

    fsspec's own move takes `*`, `?` and `[` in names for patterns, and moves nothing or another file. Drivers that
    rename take names as they are.
    """
    driver = driver_of(system)
    if driver is None:
        system.move(source, target)
        return
    from fsspec import AbstractFileSystem

    if type(driver).mv is not AbstractFileSystem.mv:
        driver.mv(source, target)
    else:
        driver.cp_file(source, target)
        driver.rm_file(source)


def delete(system: Any, path: str) -> None:
    """Delete a file by its name, which is no pattern."""
    driver = driver_of(system)
    if driver is None:
        system.delete_file(path)
    else:
        driver.rm_file(path)
