"""Photos from lists, from stdin and to stdout; folders without what is no photo."""

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from tests.support.command import PLAIN, dicface


def piped(*arguments: object, content: bytes) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-W", "error", "-m", "dicface", *map(str, arguments)]
    return subprocess.run(command, input=content, capture_output=True, check=False, env=os.environ | PLAIN)


@pytest.mark.parametrize("kind", ["PNG", pytest.param("JPEG", marks=pytest.mark.slow)])
def test_a_photo_goes_through_pipes(photo: Path, kind: str) -> None:
    content = io.BytesIO()
    with Image.open(photo) as image:
        image.save(content, kind)
    options = ("--box", "43,21,64,43", "--scale", 2)
    result = piped("restore", "-", "-o", "-", *options, content=content.getvalue())
    assert result.returncode == 0, result.stderr
    assert result.stderr.startswith(b"dicface: -: 1 of 1 faces restored, ")
    assert result.stderr.endswith(b" s -> -\n")
    with Image.open(io.BytesIO(result.stdout)) as image:
        assert (image.format, image.size) == (kind, (242, 242))


@pytest.mark.slow
def test_what_comes_through_a_pipe_may_be_no_photo() -> None:
    result = piped("restore", "-", "-o", "-", content=b"%PDF-1.7")
    assert (result.returncode, result.stdout) == (1, b"")
    assert result.stderr.startswith(b"dicface: -: expected an image (")
    assert b"got a PDF; export its pages" in result.stderr


def test_a_pipe_holds_one_photo(photo: Path, tmp_path: Path) -> None:
    for arguments in (
        (photo, photo.parent / "other.png", "-o", "-"),
        (photo.parent, "-o", "-"),
        ("-", photo, "-o", "x"),
    ):
        result = dicface("restore", *arguments)
        assert result.returncode == 2
        assert "expected one photo with a pipe (-), got" in result.stderr
    result = dicface("upscale", photo, "-o", "-", "--uncertainty")
    assert result.stderr == "dicface: expected --out FILE with --uncertainty, which writes a second file, got -\n"


def test_photos_of_a_list(photo: Path, tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text(f"{photo}\n\nmissing.png\n", encoding="utf-8-sig")
    result = dicface("restore", "--files-from", tmp_path / "list.txt", "-o", tmp_path / "out", "--box", "43,21,64,43")
    assert result.returncode == 1
    assert result.stdout.startswith(f"{photo}: 1 of 1 faces restored")
    assert result.stderr == "dicface: missing.png: expected an image file, found nothing of that name\n"
    result = dicface("restore", "--files-from", tmp_path / "none.txt", "-o", tmp_path / "out")
    assert result.returncode == 2
    assert "expected --files-from to name a list of files, could not read" in result.stderr
    result = dicface("restore", "-o", tmp_path / "out")
    assert result.returncode == 2
    assert "expected photos or folders, or --files-from with a list of them, got none" in result.stderr


@pytest.mark.slow
def test_prepare_takes_a_list_from_stdin(tmp_path: Path) -> None:
    result = piped("prepare", "--files-from", "-", "-o", tmp_path / "a.parquet", "--jobs", 1, content=b"none.jpg\0")
    assert result.returncode == 1
    assert result.stderr.startswith(b"dicface: none.jpg: expected an image file, found nothing of that name\n")


@pytest.mark.parametrize("command", ["restore", "prepare"])
def test_it_is_said_how_many_were_left_out(photo: Path, tmp_path: Path, command: str) -> None:
    for name in ("@eaDir/photo.png/thumb.png", ".Trash-1000/files/old.png"):
        path = photo.parent / name
        path.parent.mkdir(parents=True)
        path.write_bytes(photo.read_bytes())
    options = ("--box", "43,21,64,43") if command == "restore" else ("--jobs", 1)
    out = tmp_path / ("out" if command == "restore" else "a.parquet")
    result = dicface(command, photo.parent, "-o", out, *options)
    assert "dicface: left out 2 images in hidden folders, bins and folders of thumbnails\n" in result.stderr
    if command == "restore":
        assert result.stdout.count("\n") == 1
