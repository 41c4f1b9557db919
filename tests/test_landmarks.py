"""Points, mirrors and heatmaps, worked by hand."""

import numpy as np
import torch

from dicface.data.batches import target_heatmaps
from dicface.landmarks import COMPONENTS_68, MIRROR_68, decode_heatmaps


def test_mirroring_twice_changes_nothing() -> None:
    np.testing.assert_array_equal(MIRROR_68[MIRROR_68], np.arange(68))


def test_mirror_exchanges_the_eyes_and_keeps_the_middle() -> None:
    left, right = (range(*COMPONENTS_68[eye][0]) for eye in (0, 1))
    assert {int(MIRROR_68[point]) for point in left} == set(right)
    for middle in (8, 27, 30, 33, 51, 57, 62, 66):
        assert MIRROR_68[middle] == middle


def test_heatmap_peaks_at_the_landmark() -> None:
    heatmap = target_heatmaps(torch.tensor([[40.0, 80.0]]))[0]
    assert heatmap[20, 10] == 1
    assert torch.isclose(heatmap[20, 11], torch.exp(torch.tensor(-0.5)))
    assert torch.isclose(heatmap[22, 10], torch.exp(torch.tensor(-2.0)))


def test_decoding_inverts_encoding_to_a_third_of_a_pixel() -> None:
    points = torch.from_numpy(np.random.default_rng(0).uniform(12, 112, (68, 2)))
    decoded = decode_heatmaps(target_heatmaps(points).numpy())
    assert np.abs(decoded - points.numpy()).max() < 0.34


def test_decoding_survives_empty_and_negative_heatmaps() -> None:
    assert np.isfinite(decode_heatmaps(np.full((2, 68, 32, 32), -1.0, dtype=np.float32))).all()
