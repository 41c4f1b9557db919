"""Turns of faces whose turns are known."""

import numpy as np
import pytest

from dicface.faces.pose import roll_degrees, yaw_degrees

# Of a head: right eye, left eye, tip of the nose, corners of the mouth; x, y, and depth towards the camera.
HEAD = np.array([(-1, -1, 0), (1, -1, 0), (0, 0.1, 0.8), (-0.7, 1, 0), (0.7, 1, 0)])


def seen(roll: float = 0, yaw: float = 0) -> np.ndarray:
    """Its points, turned to the side, then in the picture plane, clockwise as seen."""
    a, b = np.deg2rad([yaw, roll])
    x, y = HEAD[:, 0] * np.cos(a) + HEAD[:, 2] * np.sin(a), HEAD[:, 1]
    return 20 * np.stack([x * np.cos(b) - y * np.sin(b), x * np.sin(b) + y * np.cos(b)], axis=1) + 50


@pytest.mark.parametrize("degrees", [-150, -90, -20, 0, 35, 90, 179])
def test_roll_is_clockwise_as_seen(degrees: float) -> None:
    assert roll_degrees(seen(roll=degrees)) == pytest.approx(degrees)


@pytest.mark.parametrize("degrees", [-75, -30, 0, 45, 70])
@pytest.mark.parametrize("roll", [0, 40])
def test_yaw_is_that_of_a_usual_nose(degrees: float, roll: float) -> None:
    assert yaw_degrees(seen(roll, degrees)) == pytest.approx(degrees, abs=1)


def test_points_that_coincide_have_a_turn() -> None:
    assert np.isfinite([roll_degrees(np.ones((5, 2))), yaw_degrees(np.ones((5, 2)))]).all()
