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


def test_prepare_says_why_there_is_no_pack(tmp_path: Path) -> None:
    result = dicface("prepare", tmp_path / "none.jpg", "-o", tmp_path / "a.parquet", "--jobs", 1)
    assert result.returncode == 1
    assert result.stderr == (
        "dicface: none.jpg: expected an image file, found nothing of that name\n"
        "dicface: none of 1 photos gave a face to keep, so no pack was written\n"
    )


def test_prepare_has_help() -> None:
    result = dicface("prepare", "--help")
    assert result.returncode == 0
    for option in ("--landmarks", "--split", "--contact-sheet", "--min-crop", "--jobs"):
        assert option in result.stdout
