"""Crops by the recipe, and frames that agree."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from dicface.faces.geometry import (
    Box,
    Square,
    cut,
    intersection_over_union,
    square_of_box,
    square_of_landmarks,
    to_photo,
)


def test_crop_recipe_by_hand() -> None:
    # Landmarks from pixel centre 10 to 29 across and 5 to 14 down: a box of 19x9 about (20, 10), edges.
    landmarks = np.array([[10.0, 5.0], [29.0, 14.0]])
    assert square_of_landmarks(landmarks) == Square(left=8, top=-2, side=25)


def test_a_box_and_its_landmarks_give_one_crop() -> None:
    assert square_of_box(Box(10.5, 5.5, 29.5, 14.5)) == Square(left=8, top=-2, side=25)


def test_cutting_copies_and_repeats_the_edge() -> None:
    pixels = np.arange(2 * 3 * 3, dtype=np.uint8).reshape(2, 3, 3)
    crop = cut(pixels, Square(left=-1, top=0, side=3))
    np.testing.assert_array_equal(crop[:2, 1:], pixels[:, :2])
    np.testing.assert_array_equal(crop[:, 0], crop[:, 1])
    np.testing.assert_array_equal(crop[2], crop[1])


@given(left=st.integers(-50, 500), top=st.integers(-50, 500), side=st.integers(1, 300))
def test_the_frame_maps_edge_to_edge(left: int, top: int, side: int) -> None:
    corners = to_photo(np.array([[-0.5, -0.5], [127.5, 127.5]]), Square(left, top, side))
    np.testing.assert_allclose(corners, [[left - 0.5, top - 0.5], [left + side - 0.5, top + side - 0.5]], atol=1e-3)


def test_overlap_by_hand() -> None:
    box = Square(0, 0, 4).box
    assert intersection_over_union(box, box) == 1
    assert intersection_over_union(box, Square(2, 0, 4).box) == 8 / 24
    assert intersection_over_union(box, Square(9, 9, 4).box) == 0
