"""From a file to a file, as the command, the page and the demo do it."""

import hashlib
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dicface import Box, Outcome, Output, Restorer, read_photo, restore_file, upscale_file
from dicface.errors import ImageError, OutputError, UsageError
from dicface.images.pixels import resize
from dicface.images.xmp import COMPOSITE
from dicface.restoration.memory import PhotoGate
from dicface.runtime.models import DEFAULT_SHARPNESS

FACE = Box(43.0, 21.0, 64.0, 43.0)
SHARP_LITE = f"lite at sharpness {DEFAULT_SHARPNESS:g}"


@pytest.fixture(scope="module")
def restorer() -> Restorer:
    return Restorer(backend="onnxruntime")


@pytest.fixture
def photo(tmp_path: Path, small_photo: np.ndarray) -> Path:
    exif = Image.Exif()
    exif[0x010F] = "a maker"
    exif[0x8825] = {1: "N"}
    Image.fromarray(small_photo).save(tmp_path / "a.png", exif=exif)
    return tmp_path / "a.png"


@pytest.fixture
def crop(tmp_path: Path, small_photo: np.ndarray) -> Path:
    Image.fromarray(small_photo[18:47, 39:68]).save(tmp_path / "crop.png")
    return tmp_path / "crop.png"


def test_a_photo_on_its_side_is_said_to_lie_so(restorer: Restorer, tmp_path: Path, small_photo: np.ndarray) -> None:
    Image.fromarray(np.rot90(small_photo)).save(tmp_path / "a.png")
    result = restore_file(tmp_path / "a.png", tmp_path / "b.png", restorer=restorer, scale=1)
    assert "lies on its side (its faces are upright after a turn by 270 degrees anticlockwise)" in result.sentence
    assert result.report_row()["turned_degrees"] == 270


def test_a_photo_is_restored(restorer: Restorer, photo: Path, tmp_path: Path) -> None:
    result = restore_file(str(photo), str(tmp_path / "b.png"), restorer=restorer, scale=2, boxes=[FACE], adaptive=False)
    written = read_photo(tmp_path / "b.png")
    np.testing.assert_array_equal(written.pixels, result.restoration.image)
    np.testing.assert_array_equal(written.pixels, restorer.restore(photo, scale=2, boxes=[FACE], adaptive=False).image)
    assert COMPOSITE in written.metadata.xmp.decode()
    with Image.open(tmp_path / "b.png") as image:
        assert image.getexif()[0x010F] == "a maker"
        assert 0x8825 not in image.getexif()
    assert result.sentence == "1 of 1 faces restored"
    assert list(result.stages_s) == ["read", "detect", "restore", "paste", "write"]
    assert result.elapsed_s == pytest.approx(sum(result.stages_s.values()))
    assert repr(result) == f"FileResult({str(photo)!r} -> {str(tmp_path / 'b.png')!r}: 1 of 1 faces restored)"
    row = result.report_row()
    assert row["input_sha256"] == hashlib.sha256(photo.read_bytes()).hexdigest()
    assert (row["output_size"], row["model"], row["scale"]) == ([242, 242], SHARP_LITE, 2)
    assert [face["outcome"] for face in row["faces"]] == ["restored"]


@pytest.mark.slow
def test_the_output_says_what_is_written(restorer: Restorer, photo: Path, tmp_path: Path) -> None:
    def pixels(name: str, output: Output) -> np.ndarray:
        restore_file(photo, tmp_path / name, restorer=restorer, boxes=[FACE], output=output)
        return read_photo(tmp_path / name).pixels

    plain = pixels("plain.png", Output(mark=False, metadata=False))
    with Image.open(tmp_path / "plain.png") as image:
        assert "xmp" not in image.info
        assert not image.getexif()
    pixels("place.png", Output(gps=True))
    with Image.open(tmp_path / "place.png") as image:
        assert 0x8825 in image.getexif()
    assert not np.array_equal(pixels("drawn.png", Output(landmarks=True)), plain)
    pixels("mapped.png", Output(uncertainty=tmp_path / "map.png"))
    assert read_photo(tmp_path / "map.png").pixels.max() > 0


@pytest.mark.parametrize("command", ["restore", "upscale"])
def test_nothing_is_replaced_unasked(restorer: Restorer, crop: Path, tmp_path: Path, command: str) -> None:
    def call(target: Path, output: Output) -> None:
        if command == "restore":
            restore_file(crop, target, restorer=restorer, output=output)
        else:
            upscale_file(crop, target, model=restorer.model, output=output)

    taken = tmp_path / "taken.png"
    taken.write_text("precious")
    for target, output in ((taken, Output()), (tmp_path / "b.png", Output(uncertainty=taken))):
        with pytest.raises(OutputError, match="exists; add `overwrite` to replace it"):
            call(target, output)
    with pytest.raises(OutputError, match="would replace an input"):
        call(crop, Output(overwrite=True))
    with pytest.raises(OutputError, match="is a folder"):
        call(tmp_path, Output(overwrite=True))
    with pytest.raises(UsageError, match="expected a file of its own for each result"):
        call(tmp_path / "b.png", Output(uncertainty=tmp_path / "b.png"))
    assert taken.read_text() == "precious"
    assert not (tmp_path / "b.png").exists()
    call(taken, Output(overwrite=True))
    assert read_photo(taken).pixels.size


def test_what_cannot_be_held_is_refused_before_the_work(restorer: Restorer, tmp_path: Path) -> None:
    Image.new("RGBA", (40, 30)).save(tmp_path / "a.png")
    with pytest.raises(OutputError, match=r"transparency, which \.jpg cannot hold"):
        restore_file(tmp_path / "a.png", tmp_path / "b.jpg", restorer=restorer)
    with pytest.raises(UsageError, match=r"expected a result of at most 0\.01 megapixels, got 160x120"):
        restore_file(tmp_path / "a.png", tmp_path / "b.png", restorer=restorer, max_result_megapixels=0.01)
    with pytest.raises(ImageError, match=r"expected at most 0\.001 megapixels, got 40x30"):
        restore_file(tmp_path / "a.png", tmp_path / "b.png", restorer=restorer, max_megapixels=0.001)
    assert not (tmp_path / "b.png").exists()


@pytest.mark.slow
def test_what_to_know_is_in_the_sentence(
    restorer: Restorer, small_photo: np.ndarray, large_photo: np.ndarray, tmp_path: Path
) -> None:
    Image.fromarray(small_photo).save(tmp_path / "a.jpg", quality=40)
    result = restore_file(tmp_path / "a.jpg", tmp_path / "b.png", restorer=restorer, boxes=[FACE], adaptive=False)
    assert result.sentence == "1 of 1 faces restored, scale 4, warning: face 1: strongly compressed"
    Image.fromarray(large_photo).save(tmp_path / "c.png")
    boxes = [Box(396, 189, 599, 392)]
    result = restore_file(
        tmp_path / "c.png", tmp_path / "d.png", restorer=restorer, scale=1, boxes=boxes, only_boxes=True
    )
    assert result.sentence == f"0 of 1 faces restored, 1 {Outcome.TOO_LARGE.value}"
    Image.new("RGB", (40, 30), "grey").save(tmp_path / "e.png")
    result = restore_file(tmp_path / "e.png", tmp_path / "f.png", restorer=restorer, scale=2)
    assert result.sentence == "no face found"
    result = restore_file(tmp_path / "e.png", tmp_path / "g.png", restorer=restorer, faces=[2], strength={1: 0.5})
    assert result.sentence == "no face found, scale 4, no face 1, no face 2"


@pytest.mark.parametrize("command", ["restore", "upscale"])
def test_hidden_colours_reach_no_visible_pixel(
    restorer: Restorer, small_photo: np.ndarray, tmp_path: Path, command: str
) -> None:
    """A cutout of a face gives the same result, whatever its file stores where nothing is seen."""
    photo = small_photo[18:47, 39:68] if command == "upscale" else small_photo
    y, x = np.mgrid[: len(photo), : len(photo)]
    alpha = np.where(np.hypot(x - photo.shape[1] / 2, y - photo.shape[0] / 2) < photo.shape[0] * 0.45, 255, 0)
    noise = np.random.default_rng(0).integers(0, 256, photo.shape)
    results: list[np.ndarray] = []
    for name, colour in (("black", (0, 0, 0)), ("white", (255,) * 3), ("green", (0, 255, 0)), ("noise", noise)):
        hidden = np.where(alpha[:, :, None] > 0, photo, colour)
        source, target = tmp_path / f"{name}.png", tmp_path / f"{name}-result.png"
        Image.fromarray(np.dstack([hidden, alpha]).astype(np.uint8)).save(source)
        if command == "restore":
            restore_file(source, target, restorer=restorer, scale=2, boxes=[FACE])
        else:
            upscale_file(source, target, model=restorer.model)
        with Image.open(target) as image:
            results.append(np.asarray(image))
    for result in results:
        np.testing.assert_array_equal(result, results[0])
    assert results[0].shape[2] == 4


def test_a_crop_is_upscaled(restorer: Restorer, crop: Path, tmp_path: Path) -> None:
    result = upscale_file(crop, tmp_path / "b.png", model=restorer.model)
    (expected,) = (steps.sr[-1] for steps in restorer.model([read_photo(crop).pixels]))
    np.testing.assert_array_equal(read_photo(tmp_path / "b.png").pixels, expected)
    (face,) = result.restoration.faces
    assert (face.square.side, face.outcome) == (29, Outcome.RESTORED)
    assert face.landmarks is not None
    assert 0 < face.landmarks.min() < face.landmarks.max() < 29
    assert result.sentence == "29 px"
    assert result.report_row()["digital_source_type"].endswith("/compositeWithTrainedAlgorithmicMedia")
    steps = upscale_file(crop, tmp_path / "c.png", model=restorer.model, all_steps=True).restoration.image
    assert steps.shape == (128, 2 * 128 + 2, 3)


def test_boxes_are_checked_before_the_photo_is_read(tmp_path: Path, restorer: Restorer) -> None:
    with pytest.raises(UsageError, match="expected `boxes` as a list"):
        restore_file(
            tmp_path / "nothing.png",
            tmp_path / "b.png",
            restorer=restorer,
            boxes=[(1, 2, 3)],  # pyright: ignore[reportArgumentType]
        )


def test_strength_blends_a_crop_with_its_plain_enlargement(restorer: Restorer, crop: Path, tmp_path: Path) -> None:
    plain = resize(read_photo(crop).pixels, (128, 128)).astype(float)
    whole = upscale_file(crop, tmp_path / "b.png", model=restorer.model).restoration.image
    weaker = upscale_file(crop, tmp_path / "c.png", model=restorer.model, strength=0.25).restoration
    assert np.abs(weaker.image - (plain + (whole - plain) / 4)).max() <= 1
    assert weaker.faces[0].strength == 0.25
    nothing = upscale_file(crop, tmp_path / "d.png", model=restorer.model, strength=0).restoration
    np.testing.assert_array_equal(nothing.image, plain)
    assert nothing.provenance is not None
    assert nothing.provenance.faces == 0
    with pytest.raises(UsageError, match="expected a `strength` from 0 to 1, got 2"):
        upscale_file(crop, tmp_path / "e.png", model=restorer.model, strength=2)


def test_a_consistent_crop_reduces_to_its_source(restorer: Restorer, crop: Path, tmp_path: Path) -> None:
    upscale_file(crop, tmp_path / "b.png", model=restorer.model, consistent=True)
    with Image.open(tmp_path / "b.png") as image:
        reduced = np.asarray(image.resize((29, 29), Image.Resampling.BICUBIC))
    np.testing.assert_array_equal(reduced, read_photo(crop).pixels)


def test_a_photo_is_no_crop(restorer: Restorer, photo: Path, tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="crop of 8 to 64 px, lite-256 takes larger ones, got 121x121"):
        upscale_file(photo, tmp_path / "b.png", model=restorer.model)


@pytest.mark.slow
def test_threads_may_share_all_of_it(restorer: Restorer, photo: Path, tmp_path: Path) -> None:
    gate, meeting = PhotoGate(), threading.Barrier(3)

    def work(number: int) -> bytes:
        meeting.wait()
        target = tmp_path / f"{number}.png"
        restore_file(photo, target, restorer=restorer, boxes=[FACE], gate=gate)
        return target.read_bytes()

    with ThreadPoolExecutor(3) as pool:
        assert len(set(pool.map(work, range(3)))) == 1


def test_the_default_model_is_loaded_if_none_is_given(crop: Path, tmp_path: Path) -> None:
    provenance = upscale_file(crop, tmp_path / "b.png").restoration.provenance
    assert provenance is not None
    assert provenance.model == SHARP_LITE
