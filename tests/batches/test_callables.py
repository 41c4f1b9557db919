"""The callables for batch engines: forms of batches, pickling, and the same bytes as the commands."""

import io
import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from dicface import RestoreBatch, Restorer, UpscaleBatch, UsageError
from dicface.faces.geometry import Box
from tests.support.command import dicface

BOX = Box(43, 21, 64, 43)
QUICK: dict[str, Any] = {"boxes": [BOX], "only_boxes": True, "scale": 1}


def encoded(pixels: np.ndarray, kind: str = "PNG") -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, kind)
    return file.getvalue()


@pytest.fixture(scope="module")
def content(small_photo: np.ndarray) -> bytes:
    return encoded(small_photo)


@pytest.fixture(scope="module")
def restore() -> RestoreBatch:
    return RestoreBatch(**QUICK)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["photo.png", "photo.jpg", "photo.gif"])
def test_a_result_equals_that_of_the_command(small_photo: np.ndarray, tmp_path: Path, name: str) -> None:
    source = tmp_path / "in" / name
    source.parent.mkdir()
    Image.fromarray(small_photo).save(source)
    batch = RestoreBatch(scale=2, strength=0.8, boxes=[BOX], uncertainty=True, landmarks=True)
    made = batch({"bytes": [source.read_bytes()], "path": [f"some/{name}"]})
    settings = ("--scale", "2", "--strength", "0.8", "--box", "43,21,64,43", "--uncertainty", "--show-landmarks")
    report = tmp_path / "report.jsonl"
    assert dicface("restore", source, "-o", tmp_path / "out", *settings, "--report", report).returncode == 0
    suffix = ".png" if name.endswith(".gif") else source.suffix
    assert made["output"] == [f"some/photo{suffix}"]
    assert made["bytes"] == [(tmp_path / "out" / f"photo{suffix}").read_bytes()]
    assert made["uncertainty"] == [(tmp_path / "out" / "photo.uncertainty.png").read_bytes()]
    assert (made["outcome"], made["error"]) == (["done"], [""])
    assert json.loads(made["faces"][0]) == json.loads(report.read_text())["faces"]


def test_a_crop_equals_that_of_the_command(tmp_path: Path) -> None:
    crop = tmp_path / "face.png"
    Image.linear_gradient("L").resize((16, 16)).convert("RGB").save(crop)
    made = UpscaleBatch(all_steps=True, landmarks=True)({"bytes": [crop.read_bytes()], "path": ["face.png"]})
    assert dicface("upscale", crop, "-o", tmp_path / "out.png", "--all-steps", "--landmarks").returncode == 0
    assert made["bytes"] == [(tmp_path / "out.png").read_bytes()]


@pytest.mark.slow
def test_it_is_its_arguments_until_the_first_photo(content: bytes) -> None:
    restore = RestoreBatch(**QUICK)
    assert len(pickle.dumps(restore)) < 2000
    expected = restore({"bytes": [content], "path": ["a.png"]})
    copy = pickle.loads(pickle.dumps(restore))
    assert vars(copy)["_session"] is None
    assert copy({"bytes": [content], "path": ["a.png"]}) == expected
    assert copy.settings_sha256 == restore.settings_sha256
    assert copy.session is copy.opened().session
    assert isinstance(copy.session, Restorer)


def test_arguments_are_checked_before_any_photo_and_models_by_the_first() -> None:
    with pytest.raises(UsageError, match="scale"):
        RestoreBatch(scale=9)
    with pytest.raises(UsageError, match="expected `boxes` as a list of faces with four finite numbers each"):
        RestoreBatch(boxes=[(1, 2, 3)])  # pyright: ignore[reportArgumentType]
    with pytest.raises(UsageError, match="strength"):
        UpscaleBatch(strength=2)
    with pytest.raises(UsageError, match="nothing"):
        RestoreBatch("nothing")({"bytes": [b""], "path": ["a.png"]})


@pytest.mark.slow
def test_a_bad_photo_is_a_row(restore: RestoreBatch, content: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """And the others of its batch, which has photos of ragged sizes, are done."""
    wide = encoded(np.full((8, 90, 3), 128, np.uint8))
    contents = [content[: len(content) // 2], content, b"", None, "text", content, b"words", wide]
    paths = ["cut.png", "a.png", "empty.png", "null.png", "str.png", "", None, "wide.png"]
    made = restore({"bytes": contents, "path": paths, "id": list(range(8))})
    assert made["outcome"] == ["failed", "done", "failed", "failed", "failed", "done", "failed", "failed"]
    assert made["id"] == list(range(8))
    assert made["path"] == paths
    assert made["error"][0].startswith("the image is damaged or cut off")
    assert made["error"][2] == "expected an image, got an empty file"
    assert made["error"][3] == "expected the bytes of a file, got NoneType"
    assert "whose centre" in made["error"][7] or "box" in made["error"][7]
    assert (made["bytes"][0], made["faces"][0], made["output"][0]) == (b"", "[]", "")
    assert made["bytes"][1] == made["bytes"][5]

    def trip(*_: object, **__: object) -> None:
        raise ZeroDivisionError("of our own")

    monkeypatch.setattr("dicface.batches.callables.restore_file", trip)
    made = restore({"bytes": [content], "path": ["a.png"]})
    assert made["error"] == ["ZeroDivisionError: of our own"]


@pytest.mark.slow
def test_batches_keep_their_form(restore: RestoreBatch, content: bytes) -> None:
    pandas, arrow = pytest.importorskip("pandas"), pytest.importorskip("pyarrow")
    columns: dict[str, Any] = {"path": ["a.png", "b.png"], "bytes": [content, b"words"]}
    expected = restore(columns)
    assert list(expected) == ["path", "bytes", "faces", "outcome", "error", "output"]
    arrays = restore({name: np.array(values, dtype=object) for name, values in columns.items()})
    assert all(isinstance(values, np.ndarray) for values in arrays.values())
    assert {name: values.tolist() for name, values in arrays.items()} == expected
    frame = restore(pandas.DataFrame(columns))
    assert isinstance(frame, pandas.DataFrame)
    assert frame.to_dict("list") == expected
    table = restore(arrow.table(columns))
    assert isinstance(table, arrow.Table)
    assert table.to_pydict() == expected
    record_batch = restore(arrow.RecordBatch.from_pydict(columns))
    assert isinstance(record_batch, arrow.RecordBatch)
    assert record_batch.to_pydict() == expected


def test_an_empty_batch_and_one_that_is_none(restore: RestoreBatch) -> None:
    assert restore({"bytes": [], "path": []})["outcome"] == []
    with pytest.raises(UsageError, match="expected a column 'bytes' in each batch, got 'path'"):
        restore({"path": ["a.png"]})
    with pytest.raises(UsageError, match="expected a batch as a dict"):
        restore([1, 2])


def test_without_a_path_the_format_is_that_of_the_file(restore: RestoreBatch, small_photo: np.ndarray) -> None:
    made = restore({"bytes": [encoded(small_photo, "JPEG"), encoded(small_photo, "GIF")]})
    assert [Image.open(io.BytesIO(each)).format for each in made["bytes"]] == ["JPEG", "PNG"]


def test_files_are_found_in_another_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.onnx").touch()
    (tmp_path / "lite").mkdir()  # an embedded model's name stays one
    assert repr(RestoreBatch("mine.onnx")) == f"RestoreBatch({str(tmp_path / 'mine.onnx')!r})"
    assert repr(UpscaleBatch(Path("mine.onnx"))) == f"UpscaleBatch({str(tmp_path / 'mine.onnx')!r})"
    assert repr(RestoreBatch("lite")) == "RestoreBatch('lite')"
    assert repr(RestoreBatch("absent.onnx")) == "RestoreBatch('absent.onnx')"
