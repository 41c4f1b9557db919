"""Names of inputs: odd ones, links, folders, and what is no photo."""

import os
from pathlib import Path

import pytest

from tests.support.command import dicface


def test_names_that_look_like_markup_are_printed_as_they_are(tmp_path: Path) -> None:
    (tmp_path / ":dog:[red].png").write_bytes(b"broken")
    result = dicface("restore", tmp_path / ":dog:[red].png", "-o", tmp_path / "out")
    assert ":dog:[red].png: expected an image" in result.stderr


def test_a_name_no_file_can_have_is_a_failure(tmp_path: Path) -> None:
    result = dicface("restore", "n" * 300 + ".png", "-o", tmp_path / "out")
    assert result.returncode == 1
    assert result.stderr.count("\n") == 1


def test_a_folder_without_images(tmp_path: Path) -> None:
    (tmp_path / "none").mkdir()
    result = dicface("restore", tmp_path / "none", "-o", tmp_path / "out")
    assert result.returncode == 1
    assert "expected a folder with images" in result.stderr


@pytest.mark.slow
def test_odd_names(photo: Path, tmp_path: Path) -> None:
    no_text = os.fsdecode(b"\xff\xfe.png")
    names = ["with space.png", "ünï-çødé.png", "-dash.png", no_text, "line\nbreak.png"]
    for name in names:
        (photo.parent / name).write_bytes(b"broken" if "break" in name else photo.read_bytes())
    photo.unlink()
    result = dicface("restore", ".", "-o", tmp_path / "out", cwd=photo.parent)
    assert result.returncode == 1
    assert result.stderr.count("\n") == 1
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == sorted(names[:4])


def test_links_folders_and_paths_upwards(photo: Path, tmp_path: Path) -> None:
    folder = photo.parent
    (folder / "link.png").symlink_to(photo)
    (folder / "gone.png").symlink_to(folder / "nothing.png")
    (folder / "loop.png").symlink_to(folder / "loop.png")
    (folder / "a folder.png").mkdir()
    (folder / "-dash.png").write_bytes(photo.read_bytes())
    names = ("../in/photo.png", "link.png", "gone.png", "loop.png", "a folder.png", "-dash.png")
    result = dicface("restore", "-o", "../out", "--box", "43,21,64,43", "--scale", "1", "--", *names, cwd=folder)
    assert result.returncode == 1
    lines = result.stderr.splitlines()
    assert [line.split(": ")[1] for line in lines] == ["gone.png", "loop.png", "a folder.png"]
    assert "expected an image file, found nothing of that name" in lines[0]
    assert "found none in it" in lines[2]
    # Nothing goes beside the output folder, whatever the input's path says.
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["-dash.png", "link.png", "photo.png"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in", "out"]
