"""Landmarks are drawn where they are."""

import numpy as np
import pytest

from dicface.images.draw import draw_labelled_boxes, draw_landmarks, side_by_side


@pytest.mark.parametrize("x", [10.0, 10.4, 9.6])
def test_a_dot_is_centred_on_its_pixel(x: float) -> None:
    drawn = draw_landmarks(np.zeros((20, 20, 3), np.uint8), np.array([[x, 7.0]]), radius=2)
    rows, columns = np.nonzero(drawn[:, :, 1])
    assert (rows.mean(), columns.mean()) == (7, 10)


def test_pictures_stand_in_a_row() -> None:
    row = side_by_side([np.zeros((4, 3, 3), np.uint8), np.ones((4, 5, 3), np.uint8)], gap=2)
    assert row.shape == (4, 10, 3)
    assert (row[:, 3:5] == 255).all()


def test_a_frame_around_a_box_and_a_label_above_it() -> None:
    pixels = np.zeros((80, 80, 3), dtype=np.uint8)
    drawn = draw_labelled_boxes(pixels, [(4, 45, 65, 72)], ["1"], [(255, 0, 0)])
    is_red = (drawn == (255, 0, 0)).all(axis=2)
    assert is_red[45, 4:66].all()
    assert is_red[45:73, 65].all()
    assert is_red[40, 4]
    assert not is_red[60, 30]
    assert not pixels.any()
