"""Tracks: decisions, fades, gaps, crops that follow."""

import numpy as np
import pytest

from dicface import Box, Face, FaceSteps, Outcome, Square
from dicface.faces.geometry import square_of_box
from dicface.restoration.video.steadiness import FaceMotion, SteadyFace
from dicface.restoration.video.tracks import Track, following_square, matched, new_track

BOX = Box(40, 40, 64, 64)
POINTS = np.stack(np.meshgrid(np.linspace(40, 63, 17), np.linspace(40, 63, 4)), axis=-1).reshape(68, 2)
"""Landmarks in pixels of the clip."""


def found(outcome: Outcome = Outcome.RESTORED, box: Box = BOX, share: float = 1.0) -> Face:
    return Face(box, 0.9, outcome, square_of_box(box), probability=0.99, strength_share=share)


def track(outcome: Outcome = Outcome.RESTORED) -> Track:
    return new_track(found(outcome), 0, SteadyFace())


def steps(one: Track, confidence: float = 0.9, shift: float = 0.0) -> FaceSteps:
    """What the model finds in the crop of a track, landmarks shifted by pixels of the clip."""
    corner = (one.square.left, one.square.top)
    landmarks = ((POINTS + shift + 0.5 - corner) * 128 / one.square.side - 0.5)[None].astype(np.float32)
    return FaceSteps(np.zeros((1, 128, 128, 3), np.uint8), landmarks, np.full((1, 68), confidence, np.float32))


def test_a_decision_changes_only_after_two_searches_in_a_row() -> None:
    one = track()
    one.see(found(Outcome.TOO_LARGE), 8)
    one.see(found(), 16)
    one.see(found(Outcome.TOO_LARGE), 24)
    assert one.outcome is Outcome.RESTORED
    one.see(found(Outcome.TOO_LARGE), 32)
    assert (one.outcome, one.last) == (Outcome.TOO_LARGE, 32)


def test_the_share_of_the_strength_changes_slowly() -> None:
    one = track()
    one.see(found(share=0.5), 8)
    assert one.share == pytest.approx(0.85)


def test_fades() -> None:
    one = track()
    levels = []
    for _ in range(5):
        one.fade_on(4)
        levels.append(one.fade)
    assert levels == [0.25, 0.5, 0.75, 1, 1]
    one.outcome = Outcome.TOO_LARGE
    one.fade_on(4)
    assert (one.fade, one.is_restored) == (0.75, True)
    first = track()
    first.fade_on(4, at_once=True)
    assert first.fade == 1


def test_a_gap_is_bridged_and_a_longer_one_ends_the_track() -> None:
    one = track()
    one.follow(steps(one), FaceMotion(), 0, longest_gap=2)
    for frame in (1, 2):
        one.follow(steps(one, 0.1), FaceMotion(), frame, longest_gap=2)
    assert (one.is_missing, one.is_over, one.last) == (True, False, 0)
    one.follow(steps(one), FaceMotion(), 3, longest_gap=2)
    assert (one.is_missing, one.last) == (False, 3)
    for frame in (4, 5, 6):
        one.follow(steps(one, 0.1), FaceMotion(), frame, longest_gap=2)
    assert one.is_over


def test_three_searches_without_the_face_end_its_track() -> None:
    one = track()
    for _ in range(3):
        assert not one.is_over
        one.overlook()
    assert one.is_over
    one.see(found(), 30)
    assert not one.is_over


def test_landmarks_are_averaged_while_they_agree_and_taken_when_they_do_not() -> None:
    one = track()
    one.follow(steps(one), FaceMotion(), 0, longest_gap=2)
    assert one.landmarks is not None
    before = one.landmarks.copy()
    one.follow(steps(one, shift=0.1), FaceMotion(), 1, longest_gap=2)
    assert np.allclose(one.landmarks - before, 0.015, atol=0.005)
    one.follow(steps(one, shift=6.0), FaceMotion(), 2, longest_gap=2)
    assert np.allclose(one.landmarks - before, 6, atol=0.05)


def test_landmarks_move_with_the_picture() -> None:
    one = track()
    one.follow(steps(one), FaceMotion(), 0, longest_gap=2)
    before = one.landmarks
    one.follow(steps(one, shift=1.0), FaceMotion(x=1.0, y=1.0), 1, longest_gap=2)
    assert before is not None
    assert one.landmarks is not None
    assert np.allclose(one.landmarks - before, 1.0, atol=0.01)


@pytest.mark.parametrize(
    ("box", "expected"),
    [
        (Box(10, 10, 30, 30), Square(7, 7, 26)),  # as it was
        (Box(10.7, 10, 30.7, 30), Square(7, 7, 26)),  # moved by less than three quarters of a pixel
        (Box(12, 10, 32, 30), Square(9, 7, 26)),  # moved: the side stays
        (Box(10, 10, 31, 31), Square(7, 7, 26)),  # grown by 5 %, and moved by half a pixel
        (Box(8, 8, 32, 32), Square(4, 4, 31)),  # grown by 20 %
    ],
)
def test_the_crop_follows_when_the_face_has_moved_enough(box: Box, expected: Square) -> None:
    assert following_square(Square(7, 7, 26), box) == expected


def test_the_mask_stays_while_landmarks_tremble() -> None:
    one = track()
    one.follow(steps(one), FaceMotion(), 0, longest_gap=2)
    mask = one.mask(one.square)
    assert one.landmarks is not None
    one.landmarks = one.landmarks + np.float32(0.2)
    assert one.mask(one.square) is mask
    one.landmarks = one.landmarks + np.float32(3)
    assert one.mask(one.square) is not mask


def test_tracks_and_faces_are_paired_best_first() -> None:
    faces = [found(box=Box(50, 40, 74, 64)), found(box=Box(41, 40, 65, 64)), found(box=Box(200, 40, 224, 64))]
    assert matched([track()], faces) == {0: 1}
    assert matched([track(), track()], faces) == {0: 1, 1: 0} or matched([track(), track()], faces) == {1: 1, 0: 0}
    assert matched([track()], faces[2:]) == {}
