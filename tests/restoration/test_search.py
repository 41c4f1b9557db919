"""Where faces are looked for, with a detector whose findings are known."""

import numpy as np
import pytest

from dicface.errors import UsageError
from dicface.faces.detection import Detection
from dicface.faces.geometry import Box
from dicface.faces.verification import CalibratedVerification, OwnVerification
from dicface.restoration.search import find_faces, find_turn
from dicface.runtime.cards import Coefficients

PHOTO = np.zeros((400, 1000, 3), np.uint8)
VERIFY = OwnVerification(0.3)
FACE = Detection(Box(20, 30, 60, 70), 0.9)


def test_boxes_add_to_what_is_found_and_replace_the_same_face() -> None:
    near, far = Box(21, 31, 61, 71), Box(200, 30, 240, 70)
    other = Detection(Box(300, 30, 340, 70), 0.8)
    faces = find_faces(PHOTO, lambda pixels: [FACE, other], VERIFY, boxes=[far, near])
    assert [face.box for face in faces] == [near, other.box, far]
    assert [face.score for face in faces] == [None, 0.8, None]


def test_a_box_about_a_face_that_has_no_number_takes_none() -> None:
    """Otherwise it would change the numbers of the faces after it."""
    verify = CalibratedVerification(Coefficients(2, 1, 2), Coefficients(0, 1), 0.5)
    faint, other = Detection(Box(20, 30, 60, 70), 0.1), Detection(Box(300, 30, 340, 70), 0.08)
    assert [face.score for face in find_faces(PHOTO, lambda pixels: [faint, other], verify)] == [0.1, 0.08]
    faces = find_faces(PHOTO, lambda pixels: [faint, other], verify, boxes=[faint.box])
    assert [face.score for face in faces] == [0.08, None]


def test_only_boxes_searches_nothing() -> None:
    def fails(pixels: np.ndarray) -> list[Detection]:
        raise AssertionError

    faces = find_faces(PHOTO, fails, VERIFY, boxes=[FACE.box], only_boxes=True)
    assert [face.box for face in faces] == [FACE.box]
    assert find_faces(PHOTO, fails, VERIFY, only_boxes=True) == []


def test_what_nothing_can_make_a_face_is_not_mentioned() -> None:
    faint = Detection(Box(300, 30, 340, 70), 0.2)
    assert [face.box for face in find_faces(PHOTO, lambda pixels: [FACE, faint], VERIFY)] == [FACE.box]


def test_the_turn_that_shows_most_is_found_in_the_reduced_photo() -> None:
    looked: list[tuple[int, int]] = []
    photo = PHOTO.copy()
    photo[300:, 900:] = 255

    def when_the_corner_is_at_the_top_left(pixels: np.ndarray) -> list[Detection]:
        looked.append(pixels.shape[:2])
        # The lower right corner comes to the upper left by half a turn.
        return [FACE, FACE] if pixels[0, 0, 0] == 255 else [FACE]

    assert find_turn(photo, when_the_corner_is_at_the_top_left, VERIFY) == 2
    assert looked == [(640, 256), (640, 256), (256, 640)]


def test_without_faces_there_is_no_turn() -> None:
    assert find_turn(PHOTO, lambda pixels: [FACE._replace(score=0.2)], VERIFY) == 0


def test_one_sure_face_makes_a_turn_rather_than_many_doubtful_ones() -> None:
    verify = CalibratedVerification(Coefficients(0, 3), Coefficients(0, 3), 0.5)

    def look(pixels: np.ndarray) -> list[Detection]:
        return [FACE] if pixels.shape[0] < pixels.shape[1] else 10 * [FACE._replace(score=0.2)]

    assert find_turn(PHOTO, look, verify) == 2


def test_boxes_outside_are_refused() -> None:
    with pytest.raises(UsageError, match="centre lies in the photo of 1000x400 px, got 990,10,1020,20"):
        find_faces(PHOTO, lambda pixels: [], VERIFY, boxes=[Box(990, 10, 1020, 20)])


@pytest.mark.parametrize(("returned", "named"), [(None, "NoneType"), ([(20, 30, 60, 70)], "tuple in it")])
def test_a_detector_of_ones_own_that_returns_something_else(returned: object, named: str) -> None:
    with pytest.raises(UsageError, match=f"expected a list of Detection from the `detector`, got {named}"):
        find_faces(PHOTO, lambda pixels: returned, VERIFY)  # pyright: ignore[reportArgumentType]
