"""The whole job on a real photo."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from dicface import Box, Detection, Outcome, Restorer, read_photo
from dicface.errors import OutputError, UsageError
from dicface.evaluation.protocols import Y
from dicface.images.pixels import resize
from dicface.images.xmp import COMPOSITE
from dicface.runtime.models import DEFAULT_SHARPNESS, find_model

FACE = Box(43.0, 21.0, 64.0, 43.0)
SHARP = f" at sharpness {DEFAULT_SHARPNESS:g}"


@pytest.fixture(scope="module")
def restorer() -> Restorer:
    return Restorer(backend="onnxruntime")


@pytest.fixture(scope="module")
def lite_alone() -> Restorer:
    """By its path, `lite` is a model alone, without a larger one beside it."""
    return Restorer(find_model("lite"), backend="onnxruntime")


def test_the_portraits_face_is_found_and_restored(restorer: Restorer, small_photo: np.ndarray) -> None:
    result = restorer.restore(small_photo)
    assert result.image.shape == (484, 484, 3)
    # The badge on the suit is found, too, and is not taken for a face.
    (face,) = (face for face in result.faces if face.outcome is Outcome.RESTORED)
    assert abs(face.box.left - FACE.left) < 4
    assert abs(face.box.bottom - FACE.bottom) < 4
    assert face.landmarks is not None
    assert face.steps is not None
    assert face.landmarks.shape == (68, 2)
    assert face.steps.shape[1:] == (128, 128, 3)


def test_the_result_is_nearer_to_the_portrait_than_bicubic(
    restorer: Restorer, small_photo: np.ndarray, portrait: np.ndarray
) -> None:
    hr = resize(portrait, (484, 484))
    face = slice(70, 180), slice(160, 270)
    restored = restorer.restore(small_photo).image[face][None]
    plain = resize(small_photo, (484, 484))[face][None]
    gain = Y.psnr(restored, hr[face][None]) - Y.psnr(plain, hr[face][None])
    assert gain[0] > 0.7


def test_outside_the_crops_it_is_the_plain_enlargement(restorer: Restorer, small_photo: np.ndarray) -> None:
    result = restorer.restore(small_photo, scale=3)
    outside = np.ones(result.image.shape[:2], dtype=bool)
    for face in result.faces:
        left, top, side = face.square
        outside[max(0, top * 3) : (top + side) * 3, max(0, left * 3) : (left + side) * 3] = False
    np.testing.assert_array_equal(result.image[outside], resize(small_photo, (363, 363))[outside])


def test_a_flat_grey_photo_stays_flat_grey(restorer: Restorer) -> None:
    grey = np.full((80, 90, 3), 119, dtype=np.uint8)
    assert restorer.restore(grey).faces == ()
    result = restorer.restore(grey, boxes=[Box(20, 20, 50, 50)])
    assert result.faces[0].outcome is Outcome.FLAT
    assert (result.image == 119).all()


def test_a_large_face_is_left_alone_unless_forced(restorer: Restorer, large_photo: np.ndarray) -> None:
    box = Box(396, 189, 599, 392)
    result = restorer.restore(large_photo, scale=1, boxes=[box], only_boxes=True)
    assert result.faces[0].outcome is Outcome.TOO_LARGE
    np.testing.assert_array_equal(result.image, large_photo)
    forced = restorer.restore(large_photo, scale=1, boxes=[box], force=True, only_boxes=True)
    assert forced.faces[0].outcome is Outcome.RESTORED
    assert not np.array_equal(forced.image, large_photo)


@pytest.mark.parametrize(("passes", "side"), [(1, 121), (2, 121), (2, 290), (2, 512)])
def test_the_size_of_a_face_chooses_its_model(restorer: Restorer, portrait: np.ndarray, passes: int, side: int) -> None:
    """The crop of the portrait's face has 32, 77 and 136 px."""
    box = Box(*(edge * side / 512 for edge in (176, 84, 266, 174)))
    result = restorer.restore(resize(portrait, (side, side)), scale=1, boxes=[box], only_boxes=True, passes=passes)
    (face,) = result.faces
    assert face.steps is not None
    assert face.landmarks is not None
    name, size = ("lite-256", 256) if face.square.side >= 32 else ("lite", 128)
    assert (face.model, face.steps.shape) == (name + SHARP, (2, size, size, 3))
    assert result.provenance is not None
    assert result.provenance.model == face.model
    eyes = face.landmarks[36:48].mean(axis=0) * 512 / side
    assert np.linalg.norm(eyes - (225, 103)) < 6, "landmarks are in pixels of the photo, whatever the model's side"


def test_a_face_in_one_photo_does_not_choose_for_the_others(restorer: Restorer, portrait: np.ndarray) -> None:
    both = portrait.copy()
    both[300:400, 300:400] = resize(portrait, (100, 100))
    boxes = [Box(176, 84, 266, 174), Box(334, 316, 352, 334)]
    result = restorer.restore(both, scale=1, boxes=boxes, only_boxes=True)
    assert [face.model for face in result.faces] == [f"lite-256{SHARP}", f"lite{SHARP}"]
    assert result.provenance is not None
    assert result.provenance.model == f"lite{SHARP} + lite-256{SHARP}"
    assert result.provenance.model_sha256.count(" + ") == 3


def test_the_landmarks_decide_a_border_case(lite_alone: Restorer, portrait: np.ndarray) -> None:
    """A box whose crop is a little over 64 px about a face whose crop is under 64 px, and the reverse."""
    restorer = lite_alone
    photo = resize(portrait, (256, 256))  # the face's own crop is 60 px
    (loose,) = restorer.faces(photo, boxes=[Box(84, 38, 137, 91)], only_boxes=True)
    assert loose.outcome is Outcome.RESTORED
    assert loose.square.side <= 64
    photo = resize(portrait, (290, 290))  # 68 px
    (tight,) = restorer.faces(photo, boxes=[Box(102, 50, 150, 98)], only_boxes=True)
    assert tight.outcome is Outcome.TOO_LARGE
    assert tight.square.side > 64


def test_a_face_below_the_models_range_is_left_alone(restorer: Restorer, small_photo: np.ndarray) -> None:
    result = restorer.restore(small_photo, boxes=[Box(50, 28, 53, 31)], only_boxes=True)
    assert result.faces[0].outcome is Outcome.TOO_SMALL
    np.testing.assert_array_equal(result.image, resize(small_photo, (484, 484)))


def test_a_face_at_the_edge_of_the_photo(restorer: Restorer, small_photo: np.ndarray) -> None:
    cropped = np.ascontiguousarray(small_photo[24:, 46:])
    result = restorer.restore(cropped, boxes=[Box(-1, 0, 18, 19)])
    assert result.faces[0].outcome is Outcome.RESTORED
    assert result.faces[0].square.left < 0


def test_the_second_pass_depends_less_on_the_box(restorer: Restorer, small_photo: np.ndarray) -> None:
    shifted = [Box(FACE.left + dx, FACE.top + dy, FACE.right + dx, FACE.bottom + dy) for dx, dy in ((-2, -2), (2, 2))]
    spread = []
    for passes in (1, 2):
        faces = restorer.faces(small_photo, boxes=shifted, passes=passes, only_boxes=True)
        corners = np.array([face.square[:2] for face in faces])
        spread.append(np.abs(corners[0] - corners[1]).sum())
    assert spread[1] < spread[0]


def test_many_faces_keep_their_order(restorer: Restorer, small_photo: np.ndarray) -> None:
    wide = np.concatenate([small_photo] * 3, axis=1)
    boxes = [Box(FACE.left + 121 * k, FACE.top, FACE.right + 121 * k, FACE.bottom) for k in (2, 0, 1)]
    faces = restorer.faces(wide, boxes=boxes, only_boxes=True)
    assert [face.box for face in faces] == boxes
    for face in faces[1:]:
        assert face.steps is not None
        assert faces[0].steps is not None
        assert np.abs(face.steps.astype(int) - faces[0].steps).max() <= 1


@pytest.mark.slow
def test_threads_may_share_a_restorer(restorer: Restorer, small_photo: np.ndarray) -> None:
    expected = restorer.restore(small_photo).image
    with ThreadPoolExecutor(4) as pool:
        for result in pool.map(lambda _: restorer.restore(small_photo), range(8)):
            np.testing.assert_array_equal(result.image, expected)


def test_upscale_takes_crops(restorer: Restorer) -> None:
    crops = np.zeros((3, 20, 20, 3), dtype=np.uint8)
    assert restorer.upscale(crops).shape == (3, 128, 128, 3)
    assert restorer.upscale(crops[:0]).shape == (0, 128, 128, 3)
    with pytest.raises(UsageError, match=r"expected \(N, S, S, 3\) uint8 RGB crops, got float32"):
        restorer.upscale(crops.astype(np.float32))  # pyright: ignore[reportArgumentType] - what a caller may well try


@pytest.mark.parametrize(
    ("box", "message"),
    [
        (Box(10, 10, 10, 20), "expected `boxes` X0,Y0,X1,Y1 with X0 < X1 and Y0 < Y1, got 10,10,10,20"),
        (Box(float("nan"), 10, 20, 20), "expected `boxes` as .* four finite numbers each, .* got Box\\(left=nan, "),
        (Box(10, 10, 400, 20), "expected `boxes` whose centre lies in the photo of 121x121 px, got 10,10,400,20"),
    ],
)
def test_wrong_boxes_are_refused(restorer: Restorer, small_photo: np.ndarray, box: Box, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        restorer.restore(small_photo, boxes=[box], only_boxes=True)


def test_boxes_that_are_no_four_numbers_are_a_wrong_call(restorer: Restorer, small_photo: np.ndarray) -> None:
    wrong: Any = [(1, 2, 3)]
    for call in (restorer.restore, restorer.faces, restorer.find):
        with pytest.raises(UsageError, match=r"expected `boxes` as .* four finite numbers each, .* got \(1, 2, 3\)"):
            call(small_photo, boxes=wrong)


def test_boxes_may_come_as_an_array(restorer: Restorer, small_photo: np.ndarray) -> None:
    array: Any = np.array([FACE], np.float32)
    (face,) = restorer.find(small_photo, boxes=array, only_boxes=True).faces
    assert face.box == FACE


def test_wrong_pixels_and_scales_are_refused(restorer: Restorer, small_photo: np.ndarray) -> None:
    with pytest.raises(UsageError, match=r"expected \(H, W, 3\) uint8 RGB pixels, got uint8 of shape \(121, 121\)"):
        restorer.restore(small_photo[:, :, 0])
    with pytest.raises(ValueError, match=r"expected a path, a PIL image or \(H, W, 3\) uint8 RGB pixels, got list"):
        restorer.restore(small_photo.tolist())  # pyright: ignore[reportArgumentType] - what a caller may well try
    with pytest.raises(UsageError, match="expected a `scale` from 1 to 8, got 9"):
        restorer.restore(small_photo, scale=9)


@pytest.mark.slow
def test_paths_and_pil_images_are_photos_too(restorer: Restorer, small_photo: np.ndarray, tmp_path: Path) -> None:
    """A lying photo is turned upright by its EXIF, whatever it comes in."""
    exif = Image.Exif()
    exif[0x0112] = 6
    lying = Image.fromarray(np.rot90(small_photo).copy())
    lying.save(tmp_path / "a.png", exif=exif)
    drawn: dict[str, Any] = {"boxes": [FACE], "only_boxes": True, "adaptive": False, "passes": 1}
    expected = restorer.restore(small_photo, **drawn)
    with Image.open(tmp_path / "a.png") as opened:
        for image in (str(tmp_path / "a.png"), tmp_path / "a.png", opened):
            np.testing.assert_array_equal(restorer.restore(image, **drawn).image, expected.image)
        assert opened.size == (121, 121)
    clear = Image.fromarray(small_photo).convert("RGBA")
    np.testing.assert_array_equal(restorer.restore(clear, **drawn).image, expected.image)
    (face,) = restorer.faces(tmp_path / "a.png", **drawn)
    assert face.outcome is Outcome.RESTORED


def test_a_loaded_model_and_a_detector_of_ones_own(restorer: Restorer, small_photo: np.ndarray) -> None:
    seen = list[tuple[int, ...]]()

    def detect(pixels: np.ndarray) -> list[Detection]:
        seen.append(pixels.shape)
        return [Detection(FACE, 0.9)]

    own = Restorer(restorer.model, detector=detect)
    assert own.model is restorer.model
    result = own.restore(small_photo)
    assert [(face.box, face.score) for face in result.faces] == [(FACE, 0.9)]
    assert seen == [(121, 121, 3)]
    with pytest.raises(UsageError, match="expected no `backend` beside a loaded model, which has its own, got 'torch'"):
        Restorer(restorer.model, backend="torch")


def test_a_restoration_is_saved_with_what_it_is(restorer: Restorer, small_photo: np.ndarray, tmp_path: Path) -> None:
    result = restorer.restore(small_photo, boxes=[FACE])
    np.testing.assert_array_equal(np.asarray(result.to_pil()), result.image)
    assert repr(result) == "Restoration(484x484 px, 1 of 1 faces restored)"
    assert repr(result.faces[0]) == "Face(box=(43.0, 21.0, 64.0, 43.0), score=None, outcome=RESTORED)"
    assert repr(restorer) == "Restorer(FaceModel('lite', backend='onnxruntime'))"
    result.save(str(tmp_path / "a.png"))
    photo = read_photo(tmp_path / "a.png")
    np.testing.assert_array_equal(photo.pixels, result.image)
    assert COMPOSITE in photo.metadata.xmp.decode()
    with pytest.raises(OutputError, match=r"expected an output ending in one of"):
        result.save(tmp_path / "a.pdf")


def test_a_bad_argument_is_a_value_error(restorer: Restorer, small_photo: np.ndarray) -> None:
    with pytest.raises(ValueError, match="expected a `scale` from 1 to 8, got 0"):
        restorer.restore(small_photo, scale=0)


def test_no_passes_are_refused(restorer: Restorer, small_photo: np.ndarray) -> None:
    with pytest.raises(UsageError, match="expected at least one pass, got 0"):
        restorer.faces(small_photo, passes=0)


def test_a_one_pixel_photo_has_no_face(restorer: Restorer) -> None:
    result = restorer.restore(np.zeros((1, 1, 3), dtype=np.uint8))
    assert result.faces == ()
    assert result.image.shape == (4, 4, 3)


def test_a_photo_on_its_side_is_restored_in_its_turn(restorer: Restorer, small_photo: np.ndarray) -> None:
    sideways = np.ascontiguousarray(np.rot90(small_photo))
    upright, lying = (restorer.restore(photo, scale=2) for photo in (small_photo, sideways))
    assert (upright.turned_degrees, lying.turned_degrees) == (0, 270)
    ours, theirs = (
        next(face for face in result.faces if face.outcome is Outcome.RESTORED) for result in (upright, lying)
    )
    # x, y of the upright photo are y, 121 - x of the other one.
    assert theirs.box == pytest.approx((ours.box.top, 121 - ours.box.right, ours.box.bottom, 121 - ours.box.left))
    assert theirs.steps is not None
    assert ours.steps is not None
    assert np.abs(np.rot90(theirs.steps[-1], -1).astype(int) - ours.steps[-1]).max() <= 1
    # The enlargement rounds rows and columns in turn.
    assert np.abs(np.rot90(lying.image, -1).astype(int) - upright.image).mean() < 0.5


@pytest.mark.slow
def test_a_photo_is_searched_turned_only_where_nothing_is_upright_and_no_box_is_given(small_photo: np.ndarray) -> None:
    looked: list[int] = []

    def mine(pixels: np.ndarray) -> list[Detection]:
        looked.append(len(pixels))
        return [Detection(FACE, 0.9 if len(looked) == 1 else 0.4)]

    strict = Restorer(detector=mine, detector_threshold=0.5)
    (found,) = strict.faces(small_photo)
    assert (found.outcome, len(looked)) == (Outcome.RESTORED, 1)
    assert strict.faces(small_photo) == ()
    assert len(looked) == 1 + 4
    (given,) = strict.faces(small_photo, boxes=[FACE])
    assert (given.outcome, len(looked)) == (Outcome.RESTORED, 6)


def test_a_detector_of_ones_own_is_taken(small_photo: np.ndarray) -> None:
    def mine(pixels: np.ndarray) -> list[Detection]:
        return [Detection(FACE, 7.0)]

    (face,) = Restorer(detector=mine).faces(small_photo)
    assert (face.outcome, face.score, face.probability) == (Outcome.RESTORED, 7.0, None)


def test_profiles_are_left_alone_unless_forced(small_photo: np.ndarray) -> None:
    eyes_together = np.array([(60, 28), (62, 28), (66, 32), (60, 37), (62, 37)], dtype=np.float32)

    def mine(pixels: np.ndarray) -> list[Detection]:
        return [Detection(FACE, 1.0, eyes_together)]

    restorer = Restorer(detector=mine)
    assert [face.outcome for face in restorer.faces(small_photo)] == [Outcome.PROFILE]
    assert [face.outcome for face in restorer.faces(small_photo, force=True)] == [Outcome.RESTORED]


def test_the_threshold_decides_what_is_a_face(restorer: Restorer, small_photo: np.ndarray) -> None:
    (face,) = (face for face in restorer.faces(small_photo) if face.outcome is Outcome.RESTORED)
    assert face.probability is not None
    assert 0.5 < face.probability <= 1
    strict = Restorer(detector_threshold=1.0).faces(small_photo)
    assert all(face.outcome is Outcome.DOUBTFUL for face in strict)


@pytest.fixture(scope="module")
def three(portrait: np.ndarray) -> np.ndarray:
    """Three faces, side by side: small, larger, small."""
    photo = resize(portrait, (121, 121))
    middle = resize(portrait, (190, 190))
    wide = np.full((190, 440, 3), 128, np.uint8)
    wide[:121, :121], wide[:, 125:315], wide[:121, 319:] = photo, middle, photo
    return wide


THREE = [Box(43, 21, 64, 43), Box(192, 33, 225, 68), Box(362, 21, 383, 43)]


@pytest.mark.slow
def test_numbers_do_not_depend_on_the_choice(lite_alone: Restorer, three: np.ndarray) -> None:
    restorer = lite_alone
    every = restorer.find(three).faces
    assert [face.number for face in every] == list(range(1, len(every) + 1))
    boxes = [face.box for face in every]
    choices: list[dict[str, Any]] = [
        {"faces": [2]},
        {"min_face": 30},
        {"max_face": 30},
        {"strength": {1: 0}},
        {"force": True},
    ]
    for choice in choices:
        assert [face.box for face in restorer.find(three, **choice).faces] == boxes, choice
    restored = restorer.faces(three, faces=[2], min_face=30, strength={1: 0}, adaptive=False, passes=1)
    assert [face.box for face in restored] == boxes
    # A box about a face takes its number, another one the next.
    drawn = restorer.find(three, boxes=[Box(100, 130, 120, 150), every[0].box]).faces
    assert [face.box for face in drawn] == [*boxes, Box(100, 130, 120, 150)]
    assert [face.score is None for face in drawn] == [True, *[False] * (len(boxes) - 1), True]


@pytest.mark.slow
def test_the_chosen_faces_are_restored(lite_alone: Restorer, three: np.ndarray) -> None:
    restorer = lite_alone

    def outcomes(**choice: Any) -> list[Outcome]:
        found = restorer.find(three, boxes=THREE, only_boxes=True, **choice).faces
        restored = restorer.faces(three, boxes=THREE, only_boxes=True, **choice, adaptive=False, passes=1)
        assert [face.outcome for face in found] == [face.outcome for face in restored]
        return [face.outcome for face in restored]

    done, other = Outcome.RESTORED, Outcome.NOT_CHOSEN
    assert outcomes() == [done] * 3
    assert outcomes(faces=[1, 3]) == [done, other, done]
    assert outcomes(strength={None: 0, 2: 0.5}) == [other, done, other]
    # Boxes that are given may have any size.
    assert outcomes(max_face=30) == [done] * 3
    mine = Restorer(restorer.model, detector=lambda pixels: [Detection(box, 1.0) for box in THREE])
    assert [face.outcome for face in mine.find(three, max_face=30).faces] == [done, Outcome.OTHER_SIZE, done]
    assert [face.outcome for face in mine.find(three, min_face=30).faces] == [
        Outcome.OTHER_SIZE,
        done,
        Outcome.OTHER_SIZE,
    ]


def test_nothing_is_restored_by_looking(lite_alone: Restorer, portrait: np.ndarray) -> None:
    """The outcome is that of restoring, also where the landmarks decide it, see below."""
    restorer = lite_alone
    photo = resize(portrait, (290, 290))  # the face's own crop is 68 px
    for box, outcome in ((Box(102, 50, 150, 98), Outcome.TOO_LARGE), (Box(43, 21, 64, 43), Outcome.RESTORED)):
        (face,) = restorer.find(
            photo if outcome is Outcome.TOO_LARGE else resize(portrait, (121, 121)), boxes=[box], only_boxes=True
        ).faces
        assert face.outcome is outcome
        assert face.steps is None
        assert (face.landmarks is None) == (outcome is Outcome.TOO_LARGE)
    assert face.size_px == 22


def test_a_photo_on_its_side_is_found_in_its_turn(restorer: Restorer, small_photo: np.ndarray) -> None:
    found = restorer.find(np.ascontiguousarray(np.rot90(small_photo)))
    assert found.turned_degrees == 270
    assert found.faces[0].outcome is Outcome.RESTORED


@pytest.mark.slow
def test_strength_blends_with_the_plain_enlargement(lite_alone: Restorer, three: np.ndarray) -> None:
    restorer = lite_alone

    def image(strength: Any) -> np.ndarray:
        result = restorer.restore(
            three, scale=2, boxes=THREE, only_boxes=True, strength=strength, adaptive=False, passes=1
        )
        assert result.provenance is not None
        assert result.provenance.faces == sum(face.strength > 0 for face in result.faces)
        return result.image.astype(float)

    plain, whole, half = resize(three, (880, 380)).astype(float), image(1), image(0.5)
    np.testing.assert_array_equal(image(0), plain)
    assert np.abs(half - (plain + whole) / 2).max() <= 1
    first, others = np.s_[:, :250], np.s_[:, 250:]
    single = image({1: 0.5})
    np.testing.assert_array_equal(single[first], half[first])
    np.testing.assert_array_equal(single[others], whole[others])
    np.testing.assert_array_equal(image({1: 0, None: 0.5})[first], plain[first])


def test_faces_are_blended_again_without_the_model(lite_alone: Restorer, three: np.ndarray) -> None:
    restorer = lite_alone
    whole = restorer.restore(three, scale=2, boxes=THREE, only_boxes=True, adaptive=False, passes=1)
    half = restorer.restore(three, scale=2, boxes=THREE, only_boxes=True, strength=0.5, adaptive=False, passes=1)
    np.testing.assert_array_equal(restorer.blend(three, whole.faces, scale=2), whole.image)
    weaker = [replace(face, strength=0.5) for face in whole.faces]
    np.testing.assert_array_equal(restorer.blend(three, weaker, scale=2), half.image)


def test_the_scale_is_the_largest_that_fits(restorer: Restorer, small_photo: np.ndarray) -> None:
    result = restorer.restore(small_photo)
    assert (result.scale, result.image.shape) == (4, (484, 484, 3))
    result = restorer.restore(np.full((1001, 1500, 3), 9, np.uint8))
    assert (result.scale, result.image.shape) == (2, (2002, 3000, 3))


def test_strength_falls_where_the_model_is_not_sure(restorer: Restorer, small_photo: np.ndarray) -> None:
    blurred = resize(resize(small_photo, (20, 20)), (121, 121))

    def share(photo: np.ndarray, **choice: Any) -> float:
        (face,) = restorer.faces(photo, boxes=[FACE], only_boxes=True, **choice)
        assert face.strength == pytest.approx(face.strength_share * choice.get("strength", 1))
        return face.strength_share

    assert share(small_photo) > 0.8
    assert 0.1 <= share(blurred) < 0.5
    assert share(blurred, strength=0.5) == share(blurred)
    assert share(blurred, adaptive=False) == share(blurred, force=True) == 1
