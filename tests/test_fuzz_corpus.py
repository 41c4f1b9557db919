"""Files that fuzzing found, and whole ones, through the doors they came in by."""

from pathlib import Path

import pytest

from dicface.errors import CheckpointError, DicfaceError, InputError, PackError
from fuzz.doors import DOORS, go_through

CORPUS = Path(__file__).parent / "fuzz_corpus"
FOUND = sorted(path for path in CORPUS.rglob("*") if path.is_file())


@pytest.mark.parametrize("path", FOUND, ids=lambda path: f"{path.parent.name}-{path.name}")
def test_what_was_found_is_refused_in_one_line(path: Path, tmp_path: Path) -> None:
    door = DOORS[path.parent.name]
    file = tmp_path / f"file{door.suffix}"
    file.write_bytes(path.read_bytes())
    with pytest.raises(DicfaceError, match="expected "):
        door.read(file)


@pytest.mark.parametrize("name", [name for name in DOORS if name != "image"])
def test_seeds_go_through_their_doors(name: str, tmp_path: Path) -> None:
    for content in DOORS[name].seeds():
        go_through(DOORS[name], content, tmp_path)


def test_a_finding_is_not_swallowed(tmp_path: Path) -> None:
    def fail(_: Path) -> None:
        raise IndexError("found")

    with pytest.raises(IndexError, match="found"):
        go_through(DOORS["config"]._replace(read=fail), b"", tmp_path)


def test_a_small_pickle_takes_no_gigabytes(tmp_path: Path) -> None:
    content = (CORPUS / "plain-pickle" / "remembers-a-billion-things").read_bytes()
    (tmp_path / "a.pkl").write_bytes(content)
    with pytest.raises(InputError, match="it has 83 bytes and remembers 1574398882 things"):
        DOORS["plain-pickle"].read(tmp_path / "a.pkl")


def test_text_that_is_none_is_no_pack(tmp_path: Path) -> None:
    (tmp_path / "a.parquet").write_bytes((CORPUS / "pack" / "name-of-a-column-not-utf-8").read_bytes())
    with pytest.raises(PackError, match=r"expected a face pack .* can't decode byte"):
        DOORS["pack"].read(tmp_path / "a.parquet")


def test_a_later_zip_is_no_checkpoint(tmp_path: Path) -> None:
    (tmp_path / "a.pth").write_bytes((CORPUS / "foreign" / "zip-of-a-later-version").read_bytes())
    with pytest.raises(CheckpointError, match=r"a\.pth"):
        DOORS["foreign"].read(tmp_path / "a.pth")
