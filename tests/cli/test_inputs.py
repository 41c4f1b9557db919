"""Names of inputs: odd ones, links, folders, and what is no photo."""

import os
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

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


@pytest.mark.parametrize(("command", "kinds"), [("restore", "an image, a clip or"), ("upscale", "an image or")])
def test_a_folder_that_is_not_there(tmp_path: Path, command: str, kinds: str) -> None:
    pytest.importorskip("av")
    for out in (f"{tmp_path / 'out'}/", tmp_path / "out.png"):
        result = dicface(command, "nofolder/", "-o", out)
        said = f"nofolder: expected {kinds} a folder, found nothing of that name; check the path"
        assert (result.returncode, result.stderr) == (1, f"dicface: {said}\n")


@pytest.mark.parametrize("command", ["restore", "upscale", "prepare"])
def test_a_file_that_may_not_be_read_fails_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str) -> None:
    """Root may read everything, so that the system's answers are made up."""
    for name in ("a.png", "secret.png", "z.png"):
        Image.linear_gradient("L").resize((16, 16)).save(tmp_path / name)
    may, opened = os.access, Image.open

    def refuse(path: Any, *more: Any, **options: Any) -> Any:
        if Path(path).name == "secret.png":
            raise PermissionError(13, "Permission denied", str(path))
        return opened(path, *more, **options)

    def access(path: Any, mode: int, **options: Any) -> bool:
        return not str(path).endswith("secret.png") and may(path, mode, **options)

    monkeypatch.setattr(os, "access", access)
    monkeypatch.setattr(Image, "open", refuse)
    out = "d.parquet" if command == "prepare" else "out"
    result = dicface(command, "a.png", "secret.png", "z.png", "-o", out, "--jobs", 1, cwd=tmp_path)
    assert result.returncode == 1
    first, *rest = result.stderr.splitlines()
    assert first == "dicface: secret.png: the file may not be read; check its permissions"
    if command == "prepare":
        assert rest == ["dicface: none of 3 photos gave a face to keep, so no pack was written"]
        assert "2 no face found" in result.stdout
    else:
        assert rest == []
        assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a.png", "z.png"]


@pytest.mark.parametrize(
    ("argument", "call"),
    [
        ("photo.jpg", "dicface restore photo.jpg -o restored.jpg"),
        ("my photo.HEIC", "dicface restore 'my photo.HEIC' -o restored.png"),
        ("clip.mp4", "dicface restore clip.mp4 -o restored.mp4"),
        ("album", "dicface restore album -o restored"),
        ("scan", "dicface restore scan -o restored.png"),
    ],
)
def test_a_photo_in_place_of_a_command_is_told_the_command(tmp_path: Path, argument: str, call: str) -> None:
    (tmp_path / "album").mkdir()
    (tmp_path / "scan").touch()
    result = dicface(argument, "--scale", 2, cwd=tmp_path)
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr == f"dicface: expected a command, got {argument!r}; to restore it: {call}\n"


def test_a_mistyped_command_is_still_one(tmp_path: Path) -> None:
    for argument in ("resotre", ""):
        result = dicface(argument, cwd=tmp_path)
        assert result.returncode == 2
        assert f"No such command '{argument}'" in result.stderr


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


@pytest.mark.slow
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
