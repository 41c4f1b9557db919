"""Faces to measure against, from packs and folders."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from dicface.data.packs import read_pack
from dicface.data.references import read_references
from dicface.errors import PackError
from dicface.images.pixels import resize
from tests.support.packs import write_pack


def test_a_packs_nominal_faces(pack: Path) -> None:
    references, left_out = read_references(pack, 2)
    assert left_out == []
    assert references.name == pack.name
    assert references.hr.shape == (2, 128, 128, 3)
    np.testing.assert_array_equal(references.hr, read_pack(pack, 2).nominal()[0])
    assert references.landmarks is not None


def test_a_folder_of_faces(portrait: np.ndarray, tmp_path: Path) -> None:
    large = portrait[20:220, 120:320]
    (tmp_path / "people").mkdir()
    Image.fromarray(large).save(tmp_path / "people" / "b.png")
    Image.fromarray(large[:128, :128]).save(tmp_path / "a.webp", lossless=True)
    references, left_out = read_references(tmp_path)
    assert references.keys == ("a.webp", "people/b.png")
    assert left_out == []
    np.testing.assert_array_equal(references.hr, [large[:128, :128], resize(large, (128, 128))])
    assert references.landmarks is None
    assert references.identities.tolist() == [-1, -1]
    assert read_references(tmp_path, 1)[0].keys == ("a.webp",)


def test_what_is_no_face_is_left_out_and_named(portrait: np.ndarray, tmp_path: Path) -> None:
    Image.fromarray(portrait[:128, :128]).save(tmp_path / "good.png")
    Image.fromarray(portrait[:128, :200]).save(tmp_path / "wide.png")
    Image.fromarray(portrait[:64, :64]).save(tmp_path / "small.png")
    (tmp_path / "broken.jpg").write_bytes(b"no image")
    references, left_out = read_references(tmp_path)
    assert references.keys == ("good.png",)
    reasons = {image.path.name: str(image.error) for image in left_out}
    assert reasons["wide.png"] == (
        "expected a square face of at least 128 px, got 200x128; `dicface prepare` cuts faces out of photos"
    )
    assert "got 64x64" in reasons["small.png"]
    assert reasons["broken.jpg"].startswith("expected an image (JPEG")


def test_nothing_to_measure_against(portrait: np.ndarray, tmp_path: Path) -> None:
    with pytest.raises(PackError, match=r"expected a folder with images .* found none"):
        read_references(tmp_path)
    Image.fromarray(portrait[:64, :64]).save(tmp_path / "small.png")
    with pytest.raises(PackError, match=r"could use none of 1 images; the first, 'small\.png': expected a square face"):
        read_references(tmp_path)
    with pytest.raises(PackError, match="expected a face pack"):
        read_references(tmp_path / "small.png")


def test_errors_about_a_pack_name_it(tmp_path: Path) -> None:
    table = pq.read_table(write_pack(tmp_path / "a.parquet", 2))
    images = pa.array([table["image"][0].as_py(), b"broken"], pa.binary())
    pq.write_table(table.set_column(3, "image", images), tmp_path / "b.parquet")
    with pytest.raises(PackError, match=r"'made/1', could not decode it: .*, in '.*b\.parquet'$"):
        read_references(tmp_path / "b.parquet")
    (tmp_path / "c.parquet").write_text("no pack")
    with pytest.raises(PackError, match=r"expected a face pack \(Parquet\), got '.*c\.parquet'"):
        read_references(tmp_path / "c.parquet")
