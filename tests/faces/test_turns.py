"""What was found in a turned picture lies where it was in the picture."""

import numpy as np
import pytest

from dicface.faces.geometry import Box, Square
from dicface.faces.turns import Quarters, turn_box_back, turn_image, turn_points_back, turn_square_back

HEIGHT, WIDTH = 30, 50


@pytest.mark.parametrize("quarters", [0, 1, 2, 3])
def test_a_mark_is_turned_back_to_its_place(quarters: Quarters) -> None:
    photo = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    photo[4:7, 40:45] = 255
    rows, columns = np.nonzero(turn_image(photo, quarters)[..., 0])
    box = Box(columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
    assert turn_box_back(box, quarters, HEIGHT, WIDTH) == Box(40, 4, 45, 7)


def test_points_and_squares_turn_with_the_picture() -> None:
    points = turn_points_back(np.array([[10.0, 5.0]]), 1, HEIGHT, WIDTH)
    assert points.tolist() == [[45, 10]]
    assert turn_square_back(Square(10, 5, 8), 3, HEIGHT, WIDTH) == Square(5, 12, 8)
