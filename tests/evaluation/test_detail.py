"""Detail and stitch: known patterns give known numbers."""

import numpy as np
import pytest

from dicface.evaluation.detail import detail_energies, detail_scores, joined_energies
from dicface.images.pixels import resize


@pytest.fixture
def faces(portrait: np.ndarray) -> np.ndarray:
    """(3, 128, 128, 3) uint8."""
    return np.stack([portrait[50 + y : 178 + y, 150 + x : 278 + x] for y, x in ((0, 0), (4, 6), (9, 3))])


def test_real_faces_have_all_detail(faces: np.ndarray) -> None:
    share, correlation, stitch = detail_scores(detail_energies(faces, faces, 16))
    assert (share, correlation, stitch) == (pytest.approx(1), pytest.approx(1), pytest.approx(1))


def test_the_plain_enlargement_has_little(faces: np.ndarray) -> None:
    plain = np.stack([resize(resize(face, (16, 16)), (128, 128)) for face in faces])
    share, correlation, stitch = detail_scores(detail_energies(plain, faces, 16))
    assert share < 0.2
    assert correlation < 0.5
    assert stitch is None, "nothing was added that could be stitched"


def test_detail_elsewhere_does_not_correlate(faces: np.ndarray) -> None:
    scores = detail_scores(detail_energies(faces[:, ::-1], faces, 16))
    assert scores.share == pytest.approx(1, abs=0.01)
    assert scores.correlation < 0.5


@pytest.mark.parametrize("period", [2, 4, 8])
def test_grids_are_stitches(faces: np.ndarray, period: int) -> None:
    seams = np.zeros(128)
    seams[::period] = 24
    grid = np.clip(faces + seams[:, None], 0, 255).astype(np.uint8)
    stitch = detail_scores(detail_energies(grid, faces, 16)).stitch
    assert stitch is not None
    assert stitch > 2


def test_noise_is_no_stitch(faces: np.ndarray) -> None:
    noise = np.random.default_rng(0).normal(0, 10, faces.shape[:3])[..., None]
    noisy = np.clip(faces + noise, 0, 255).astype(np.uint8)
    stitch = detail_scores(detail_energies(noisy, faces, 16)).stitch
    assert stitch is not None
    assert stitch < 1.5


def test_batches_are_added_up(faces: np.ndarray) -> None:
    made = faces[:, ::-1]
    parts = [detail_energies(made[part], faces[part], 16) for part in (slice(0, 2), slice(2, 3))]
    assert detail_scores(joined_energies(parts)) == pytest.approx(detail_scores(detail_energies(made, faces, 16)))


def test_detail_is_what_a_crop_cannot_hold() -> None:
    def energy(waves: int) -> float:
        face = np.rint(128 + 100 * np.sin(2 * np.pi * waves * np.arange(128) / 128))
        face = np.broadcast_to(face[:, None], (1, 128, 128, 3)).astype(np.uint8)
        return float(detail_energies(face, face, 16).made[0])

    assert energy(4) < 0.001 * energy(12)
    assert energy(30) == pytest.approx(energy(12), rel=0.01)
