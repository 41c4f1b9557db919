"""Batches are pure, and landmarks go where the pixels go."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from dicface.data.batches import BatchConfig, FaceSampler, reduce_faces
from dicface.data.packs import FacePack, read_pack
from dicface.errors import ConfigError
from tests.conftest import write_pack

CONFIG = BatchConfig(
    size=4,
    lr_size_min=8,
    lr_size_max=64,
    lr_size_16_share=0.3,
    crop_side_min=116,
    crop_side_max=144,
    unscaled_share=0.3,
)


def dotted_pack(faces: int = 6) -> FacePack:
    """Black images with a white 5x5 square about landmark 36 (left eye's outer corner) and nothing else."""
    draw = np.random.default_rng(1)
    images = np.zeros((faces, 144, 144, 3), dtype=np.uint8)
    landmarks = np.full((faces, 68, 2), 72, dtype=np.float32)
    for face in range(faces):
        x, y = draw.integers(50, 94, 2)
        images[face, y - 2 : y + 3, x - 2 : x + 3] = 255
        landmarks[face, 36] = (x, y)
    return FacePack(tuple("abcdef"[:faces]), np.full(faces, -1), images, landmarks)


def test_a_batch_depends_on_seed_and_step_alone(pack: Path) -> None:
    faces = read_pack(pack)
    straight = FaceSampler(faces, CONFIG, seed=3)
    batches = [straight.batch(step) for step in range(6)]
    resumed = FaceSampler(faces, CONFIG, seed=3)
    for step in (5, 2):
        for one, other in zip(batches[step], resumed.batch(step), strict=True):
            assert torch.equal(one, other)
    other_seed = FaceSampler(faces, CONFIG, seed=4).batch(2)
    assert not torch.equal(other_seed.hr, batches[2].hr)


def test_an_epoch_visits_every_face_once() -> None:
    pack = dotted_pack()
    images = pack.images.copy()
    for face in range(6):
        images[face] = 40 * face
    flat = FacePack(pack.keys, pack.identities, images, pack.landmarks)
    sampler = FaceSampler(flat, BatchConfig(size=3), seed=0)
    for epoch in range(3):
        seen = torch.cat([sampler.batch(2 * epoch + half).hr[:, 0, 64, 64] for half in (0, 1)])
        assert sorted((seen * 255).round().int().tolist()) == [0, 40, 80, 120, 160, 200]


def test_landmarks_stay_on_their_pixels() -> None:
    """Wherever crop, scale and flip put the square, landmark 36 (or 45 after a flip) is its centre."""
    sampler = FaceSampler(dotted_pack(), CONFIG, seed=0)
    ys, xs = torch.meshgrid(torch.arange(128.0), torch.arange(128.0), indexing="ij")
    flipped = 0
    for step in range(12):
        batch = sampler.batch(step)
        for hr, landmarks in zip(batch.hr, batch.landmarks, strict=True):
            weight = hr[0] / hr[0].sum()
            centre = torch.stack([(weight * xs).sum(), (weight * ys).sum()])
            distances = (landmarks[[36, 45]] - centre).norm(dim=1)
            assert distances.min() < 0.35
            flipped += int(distances.argmin())
    assert 8 < flipped < 40


def test_a_crop_larger_than_the_images_is_refused(tmp_path: Path) -> None:
    faces = read_pack(write_pack(tmp_path / "a.parquet", 2, side=128))
    with pytest.raises(ConfigError, match="crop_side_max of at most 128, the side of the packs' images, got 144"):
        FaceSampler(faces, CONFIG, seed=0)


def test_sizes_cover_the_range_and_16_is_favoured(pack: Path) -> None:
    sampler = FaceSampler(read_pack(pack), CONFIG, seed=0)
    sizes = [sampler.batch(step).lr.shape[-1] for step in range(300)]
    assert min(sizes) >= 8
    assert max(sizes) <= 64
    assert min(sizes) < 12
    assert max(sizes) > 50
    assert 0.22 < np.mean([size == 16 for size in sizes]) < 0.45


@pytest.mark.parametrize("size", [8, 16, 23, 64])
def test_reduction_is_pillows(portrait: np.ndarray, size: int) -> None:
    face = np.ascontiguousarray(portrait[60:188, 150:278])
    ours = reduce_faces(torch.from_numpy(face).permute(2, 0, 1)[None].float() / 255, size)
    pillow = np.asarray(Image.fromarray(face).resize((size, size), Image.Resampling.BICUBIC), dtype=float)
    assert np.abs(ours[0].permute(1, 2, 0).numpy() * 255 - pillow).max() <= 1.001
