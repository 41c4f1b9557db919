"""Parts are whole or absent, belong to one call's settings, and leave no trace."""

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from dicface.data.pack_writing import GROUP_FACES, PackRow, encode_crop, open_pack
from dicface.data.packs import SCHEMA, read_pack
from dicface.errors import InputError, OutputError, UsageError
from dicface.preparation.parts import CutFace, PartFolder, Skipped
from tests.support.hashes import random_hashes

SETTINGS = {"size": 144, "photos": "3"}
IMAGE = encode_crop(np.full((144, 144, 3), 90, np.uint8), "png", 90)


def face(number: int) -> CutFace:
    points = np.random.default_rng(number).uniform(0, 144, (68, 2)).astype(np.float32)
    return CutFace(f"f/{number}.jpg", 1, IMAGE, points, random_hashes(1, number)[0], (-3, 5, 140 + number), 0.75)


def test_a_part_comes_back(tmp_path: Path) -> None:
    folder = PartFolder(tmp_path / "a.parquet.parts")
    folder.begin(SETTINGS)
    faces = [face(0), face(1)]
    skipped = [Skipped("b.jpg", 2, "too small", "crop of 9 px", (1, 2, 3.5, 4)), Skipped("c.jpg", None, "no face")]
    folder.write(7, faces, skipped)
    assert folder.has(7)
    assert not folder.has(6)
    assert folder.skipped(7) == skipped
    assert [place.square for place in folder.origins(7)] == [(-3, 5, 140), (-3, 5, 141)]
    np.testing.assert_array_equal(folder.hashes(7), [one.hashes for one in faces])
    for (image, points), one in zip(folder.crops(7), faces, strict=True):
        assert image == one.image
        np.testing.assert_array_equal(points, one.landmarks)


def test_a_part_without_faces(tmp_path: Path) -> None:
    folder = PartFolder(tmp_path / "parts")
    folder.begin(SETTINGS)
    folder.write(0, [], [])
    assert (folder.origins(0), folder.crops(0), folder.skipped(0)) == ([], [], [])
    assert folder.hashes(0).shape == (0, 2, 4)


def test_the_same_settings_go_on_and_others_are_refused(tmp_path: Path) -> None:
    folder = PartFolder(tmp_path / "parts")
    folder.begin(SETTINGS)
    folder.write(0, [face(0)], [])
    (tmp_path / "parts" / ".part-1-2.parquet").write_bytes(b"what a killed call was writing")
    folder.begin(SETTINGS)
    assert folder.has(0)
    assert not (tmp_path / "parts" / ".part-1-2.parquet").exists()
    with pytest.raises(
        UsageError, match=r"started with photos '3' \(now '4'\), size 144 \(now 160\); call it as before"
    ):
        folder.begin({"size": 160, "photos": "4"})


def test_another_folder_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / "holiday.jpg").touch()
    with pytest.raises(UsageError, match="to hold the parts of a pack, it holds something else"):
        PartFolder(tmp_path / "parts").begin(SETTINGS)


def test_removing_takes_only_what_is_ours(tmp_path: Path) -> None:
    folder = PartFolder(tmp_path / "parts")
    folder.begin(SETTINGS)
    folder.write(0, [face(0)], [])
    (tmp_path / "parts" / "note.txt").touch()
    with pytest.raises(OutputError, match=r"the pack is complete, but .*parts' could not be deleted"):
        folder.remove()
    assert [path.name for path in (tmp_path / "parts").iterdir()] == ["note.txt"]


def test_a_damaged_part_is_named(tmp_path: Path) -> None:
    folder = PartFolder(tmp_path / "parts")
    folder.begin(SETTINGS)
    (tmp_path / "parts" / "part-000000.parquet").write_bytes(b"cut off")
    with pytest.raises(InputError, match=r"could not read .*part-000000\.parquet.*delete it and call again"):
        folder.origins(0)


def test_a_written_pack_is_read_back_in_row_groups(tmp_path: Path) -> None:
    count = GROUP_FACES + 3
    points = np.random.default_rng(0).uniform(0, 144, (count, 68, 2)).astype(np.float32)
    with open_pack(tmp_path / "a.parquet") as pack:
        for index in range(count):
            pack.add(PackRow(f"made/{index}", "made", index if index % 2 else None, IMAGE, points[index]))
    file = pq.ParquetFile(tmp_path / "a.parquet")
    assert file.schema_arrow.equals(SCHEMA)
    assert file.metadata.num_row_groups == 2
    faces = read_pack(tmp_path / "a.parquet")
    assert faces.keys[-1] == f"made/{count - 1}"
    assert faces.identities[:4].tolist() == [-1, 1, -1, 3]
    np.testing.assert_array_equal(faces.landmarks, points)


def test_a_broken_off_pack_leaves_nothing(tmp_path: Path) -> None:
    def broken_off() -> None:
        with open_pack(tmp_path / "a.parquet") as pack:
            pack.add(PackRow("a", "made", None, IMAGE, np.zeros((68, 2), np.float32)))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        broken_off()
    assert list(tmp_path.iterdir()) == []
