"""Windows about proposals, and what several looks say together."""

import numpy as np
import pytest
from PIL import Image

from dicface.faces.second_look import LOOK_PX, Window, cut_window, find_again, join_looks, look_again, unmirrored
from dicface.runtime.face_finder import CellOutputs, FaceFinder
from dicface.runtime.proposals import Proposal

POINTS = np.array([(4, 4), (8, 4), (6, 6), (4, 8), (8, 8)], dtype=np.float32)


def proposed(*box: float, points: np.ndarray = POINTS) -> Proposal:
    return Proposal(np.array(box, dtype=np.float32), 0.5, points)


def coordinates(height: int, width: int) -> Image.Image:
    """A picture whose red is x and whose green is y."""
    down, across = np.mgrid[:height, :width]
    return Image.fromarray(np.stack([across, down, 0 * down], axis=2).astype(np.uint8))


@pytest.mark.parametrize("side", [10, 30, 60])
def test_a_window_shows_what_is_about_the_box(side: int) -> None:
    window = cut_window(coordinates(250, 250), proposed(100, 90, 100 + side, 90 + side))
    assert window.pixels.shape == (LOOK_PX, LOOK_PX, 3)
    assert window.factor == pytest.approx(side / 30)
    # The centre of pixel 60, 20 of the window.
    at = window.to_photo(np.array([60.5, 20.5]))
    assert at.tolist() == pytest.approx([100 + side / 2 + 12.5 * side / 30, 90 + side / 2 - 27.5 * side / 30])
    assert window.pixels[20, 60, :2] == pytest.approx(at - 0.5, abs=1)


@pytest.mark.parametrize("degrees", [-50, 30, 170])
def test_a_rolled_face_is_turned_upright(degrees: float) -> None:
    angle = np.radians(degrees)
    # Clockwise, as the picture is seen.
    matrix = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    window = cut_window(coordinates(250, 250), proposed(100, 90, 130, 120, points=POINTS @ matrix.T.astype(np.float32)))
    assert window.roll_degrees == pytest.approx(degrees, abs=0.01)
    above = window.to_photo(np.array([48.0, 28.0]))
    assert above.tolist() == pytest.approx([115 + 20 * np.sin(angle), 105 - 20 * np.cos(angle)], abs=1e-3)
    assert window.pixels[28, 48, :2] == pytest.approx(above, abs=2)


def test_beyond_the_photo_its_border_is_repeated() -> None:
    window = cut_window(coordinates(40, 50), proposed(-5, 10, 25, 40))
    assert (window.x, window.y) == (10, 25)
    assert np.all(window.pixels[:, :38, 0] == 0)
    assert np.all(window.pixels[63:, :, 1] == 39)
    assert window.pixels[30, 60].tolist() == [22, 7, 0]


@pytest.mark.parametrize("box", [(0, 0, 1, 1), (-300, -300, 303, 303), (2, 0, 400, 3)])
def test_the_smallest_photo_has_a_window(box: tuple[int, ...]) -> None:
    assert cut_window(coordinates(1, 2), proposed(*box)).pixels.shape == (LOOK_PX, LOOK_PX, 3)


def look_at(row: int, column: int, score: float, box: tuple[float, ...]) -> CellOutputs:
    """A face in one cell."""
    scores = np.zeros((24, 24), np.float32)
    boxes, points = np.zeros((4, 24, 24), np.float32), np.zeros((10, 24, 24), np.float32)
    scores[row, column] = score
    boxes[:, row, column], points[:, row, column] = box, (POINTS * 2 + 30).ravel()
    return CellOutputs(scores, boxes, points)


def test_the_face_is_found_again_in_pixels_of_the_photo() -> None:
    face = proposed(100, 100, 115, 115)
    window = cut_window(Image.new("RGB", (200, 200)), face)
    found = find_again(look_at(10, 11, 0.8, (34, 32, 62, 64)), window, face)
    assert found is not None
    assert found.score == pytest.approx(0.8)
    # A window of 96 px shows 48 px of the photo, from 83.5 on.
    assert found.box.tolist() == [100.5, 99.5, 114.5, 115.5]
    assert found.points[0].tolist() == [102.5, 102.5]
    assert find_again(look_at(2, 3, 0.8, (0, 0, 28, 28)), window, face) is None


def test_a_box_that_was_turned_upright_keeps_its_sides() -> None:
    window = Window(np.zeros((96, 96, 3), np.uint8), 107.5, 107.5, 0.5, 90)
    found = find_again(look_at(10, 11, 0.8, (36, 32, 64, 64)), window, proposed(100, 100, 115, 115))
    assert found is not None
    # Two pixels to the right in the window are one down in the photo.
    assert found.box.tolist() == [100, 101, 115, 116]


def test_a_mirrored_look_is_turned_back() -> None:
    back = unmirrored(look_at(10, 11, 0.8, (34, 32, 62, 64)))
    assert back.scores[10, 12] == pytest.approx(0.8)
    assert back.boxes[:, 10, 12].tolist() == [34, 32, 62, 64]
    # The right eye of the mirrored face is the left one.
    assert back.points[:2, 10, 12].tolist() == [96 - 46, 38]
    assert back.points[2:4, 10, 12].tolist() == [96 - 38, 38]
    assert back.points[4:6, 10, 12].tolist() == [96 - 42, 42]
    again = unmirrored(back)
    assert np.array_equal(again.points, look_at(10, 11, 0.8, (34, 32, 62, 64)).points)


def test_scores_are_joined_as_log_odds() -> None:
    face = Proposal(np.array([0, 0, 10, 10.0], dtype=np.float32), 0.8, POINTS)
    moved = Proposal(face.box + 2, 0.5, POINTS + 2)
    joined = join_looks([face, moved])
    assert joined is not None
    assert joined.score == pytest.approx(2 / 3)  # odds of 4 and 1 give 2
    assert joined.box.tolist() == [1, 1, 11, 11]
    assert joined.points[0].tolist() == [5, 5]
    half = join_looks([face, None])
    assert half is not None
    assert half.score == pytest.approx(0.2222, abs=1e-4)  # odds of 4 and 1/49 give 2/7
    assert join_looks([None, None]) is None


def test_the_face_of_a_photo_is_seen_again(small_photo: np.ndarray) -> None:
    finder = FaceFinder()
    best = finder(small_photo)[0]
    # As if the first look had been a little off.
    (again,) = look_again(finder, small_photo, [best._replace(box=best.box + 2), best._replace(box=best.box - 1)])
    assert again.score > 0.5
    assert np.abs(again.box - best.box).max() < 3
    assert look_again(finder, small_photo, []) == []
