"""Pixels as arrays."""

import numpy as np
import pytest

from dicface.images.pixels import smooth, to_network, to_uint8


def test_8_bits_round_and_clip() -> None:
    values = np.array([-0.1, 0.0, 0.5, 127.4 / 255, 1.0, 1.2])
    np.testing.assert_array_equal(to_uint8(values), [0, 0, 128, 127, 255, 255])


def test_network_input_is_channels_first_in_0_to_1() -> None:
    crops = np.zeros((1, 2, 2, 3), dtype=np.uint8)
    crops[0, 0, 1] = (255, 51, 0)
    np.testing.assert_allclose(to_network(crops)[0, :, 0, 1], [1.0, 0.2, 0.0])


def test_smoothing_keeps_what_is_even_and_the_sum_of_a_dot() -> None:
    np.testing.assert_allclose(smooth(np.full((9, 9), 7, np.float32), 2.0), 7, rtol=1e-6)
    dot = np.zeros((31, 31), np.float32)
    dot[15, 15] = 1
    spread = smooth(dot, 2.0)
    assert spread.sum() == pytest.approx(1, abs=1e-5)
    assert spread[15, 15] == pytest.approx(1 / (2 * np.pi * 4), rel=0.02)
    np.testing.assert_allclose(spread, spread.T, atol=1e-7)
