"""`dicface prepare`: wrong calls and what it says of photos that gave nothing."""

from pathlib import Path

import pytest

from tests.support.command import dicface


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("-o", "d.csv"), "expected an output ending in .parquet, got 'd.csv'"),
        (("-o", "d.parquet", "--size", "100"), "expected an even size from 128 to 512 px, got 100"),
        (("-o", "d.parquet", "--split", "person"), "expected --split identity, file or a partition list, got 'person'"),
        (("-o", "taken.parquet"), "'taken.parquet' exists; add --overwrite to replace it, or choose another output"),
    ],
)
def test_wrong_calls_end_with_2(tmp_path: Path, arguments: tuple[str, ...], message: str) -> None:
    (tmp_path / "a.png").touch()
    (tmp_path / "taken.parquet").touch()
    result = dicface("prepare", "a.png", *arguments, cwd=tmp_path)
    assert (result.returncode, result.stderr) == (2, f"dicface: {message}\n")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.png", "taken.parquet"]


@pytest.mark.parametrize("option", ["--format", "--detector"])
def test_a_choice_that_is_none_is_told_the_others(tmp_path: Path, option: str) -> None:
    result = dicface("prepare", "a.png", "-o", "d.parquet", option, "gif", cwd=tmp_path)
    assert result.returncode == 2
    assert f"Invalid value for '{option}'" in result.stderr
    assert "'gif' is not one of" in result.stderr


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("none.jpg", "expected an image file, found nothing of that name"),
        ("nofolder", "expected an image or a folder, found nothing of that name; check the path"),
        ("empty", "expected a folder with images (.jpg"),
    ],
)
def test_a_call_that_reads_nothing_says_why_and_leaves_nothing(tmp_path: Path, name: str, said: str) -> None:
    """The corrected call finds no list in its way."""
    (tmp_path / "empty").mkdir()
    faces = ("--faces", tmp_path / "a.faces.csv")
    result = dicface("prepare", f"{tmp_path / name}/", "-o", tmp_path / "a.parquet", "--jobs", 1, *faces)
    assert (result.returncode, result.stdout) == (1, "skipped: 1 unreadable photo\n")
    first, last = result.stderr.splitlines()
    assert first.startswith(f"dicface: {name}: {said}")
    assert last == "dicface: none of 1 photos gave a face to keep, so no pack was written"
    assert [path.name for path in tmp_path.iterdir()] == ["empty"]


def test_prepare_has_help() -> None:
    result = dicface("prepare", "--help")
    assert result.returncode == 0
    for option in ("--landmarks", "--split", "--contact-sheet", "--min-crop", "--jobs"):
        assert option in result.stdout
