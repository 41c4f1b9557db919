"""Packs are read whole or refused with a reason."""

import io
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from dicface.data.packs import read_pack, read_packs
from dicface.errors import PackError
from tests.support.packs import write_pack


def test_a_pack_is_read(pack: Path) -> None:
    faces = read_pack(pack)
    assert faces.images.shape == (10, 144, 144, 3)
    assert faces.landmarks.shape == (10, 68, 2)
    assert faces.identities.tolist() == [0, -1, 0, -1, 1, -1, 1, -1, 2, -1]
    assert faces.keys[3] == "made/3"
    assert len(read_pack(pack, limit=4)) == 4


def test_a_missing_pack_is_named_and_said_to_be_missing(tmp_path: Path) -> None:
    with pytest.raises(PackError, match=r"^expected a face pack \(Parquet\), found nothing at '.*none\.parquet'$"):
        read_pack(tmp_path / "none.parquet")


def test_the_nominal_crop_is_the_middle(pack: Path) -> None:
    faces = read_pack(pack)
    hr, landmarks = faces.nominal()
    np.testing.assert_array_equal(hr, faces.images[:, 8:136, 8:136])
    np.testing.assert_allclose(landmarks, faces.landmarks - 8)


def test_a_folder_of_packs_is_one_pack(tmp_path: Path) -> None:
    write_pack(tmp_path / "a.parquet", 3, seed=1)
    write_pack(tmp_path / "b.parquet", 2, seed=2)
    assert len(read_packs([tmp_path])) == 5


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PackError, match="found none"):
        read_packs([tmp_path])


def test_packs_of_two_sizes_are_refused(tmp_path: Path) -> None:
    write_pack(tmp_path / "a.parquet", 2)
    write_pack(tmp_path / "b.parquet", 2, side=160)
    with pytest.raises(PackError, match=r"sides of \[144, 160\] px"):
        read_packs([tmp_path])


def test_another_table_is_refused(tmp_path: Path) -> None:
    pq.write_table(pa.table({"key": ["a"]}), tmp_path / "a.parquet")
    with pytest.raises(PackError, match=r"missing \['source', 'identity', 'image', 'landmarks'\]"):
        read_pack(tmp_path / "a.parquet")


def test_another_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.parquet").write_text("no table")
    with pytest.raises(PackError, match="expected a face pack"):
        read_pack(tmp_path / "a.parquet")


def test_a_broken_image_is_named(tmp_path: Path) -> None:
    table = pq.read_table(write_pack(tmp_path / "a.parquet", 2))
    images = pa.array([table["image"][0].as_py(), b"broken"], pa.binary())
    pq.write_table(table.set_column(3, "image", images), tmp_path / "b.parquet")
    with pytest.raises(PackError, match="'made/1'"):
        read_pack(tmp_path / "b.parquet")


def test_an_image_far_too_large_is_refused_before_it_is_decoded(tmp_path: Path) -> None:
    table = pq.read_table(write_pack(tmp_path / "a.parquet", 1))
    large = io.BytesIO()
    Image.new("1", (4000, 4000)).save(large, "PNG")
    pq.write_table(table.set_column(3, "image", pa.array([large.getvalue()])), tmp_path / "b.parquet")
    with pytest.raises(PackError, match=r"at most 2048 px a side, got \(4000, 4000\) for face 'made/0'"):
        read_pack(tmp_path / "b.parquet")


@pytest.mark.parametrize(
    ("column", "values"),
    [("landmarks", pa.array(["text", "text"])), ("identity", pa.array([[1], [2]])), ("image", pa.array([1, 2]))],
)
def test_columns_of_another_kind_are_refused(tmp_path: Path, column: str, values: pa.Array) -> None:
    table = pq.read_table(write_pack(tmp_path / "a.parquet", 2))
    pq.write_table(table.set_column(table.column_names.index(column), column, values), tmp_path / "b.parquet")
    with pytest.raises(PackError, match="expected a face pack"):
        read_pack(tmp_path / "b.parquet")
