"""Faces in scenes lie where they are said to lie."""

import pytest
import torch

from dicface.data.batches import FaceBatch, seeded
from dicface.data.scenes import OTHER_SIDES, SCENE_PX, WANTED_SIDES, Scenes, make_scenes


@pytest.fixture(scope="module")
def scenes() -> Scenes:
    """Of grey pictures whose faces, 90 px wide, have a green middle."""
    hr = torch.full((32, 3, 128, 128), 0.5)
    hr[:, :, 44:84, 44:84] = torch.tensor([0.0, 1.0, 0.0])[:, None, None]
    ring = torch.linspace(0, 2 * torch.pi, 68)
    landmarks = 63.5 + 45 * torch.stack([ring.cos(), ring.sin()], dim=1).expand(32, 68, 2)
    batch = FaceBatch(hr, hr[..., ::8, ::8], landmarks, torch.zeros(32, dtype=torch.int64))
    return make_scenes(batch, seeded(1))


def greenness(scenes: Scenes, faces: torch.Tensor) -> torch.Tensor:
    """How green the middles of faces are, in the scenes."""
    number, x, y, _ = faces.T
    inside = (x >= 0) & (x < SCENE_PX) & (y >= 0) & (y < SCENE_PX)
    at = [part[inside].long() for part in (number, y, x)]
    red, green, _ = scenes.images[at[0], :, at[1], at[2]].T
    return green - red


def test_half_as_many_scenes_as_faces_are_pictures(scenes: Scenes) -> None:
    assert scenes.images.shape == (16, 3, SCENE_PX, SCENE_PX)
    assert torch.equal(scenes.images * 255, (scenes.images * 255).round())
    assert scenes.images.min() >= 0
    assert scenes.images.max() <= 1


def test_faces_to_find_are_seen_where_they_are_said_to_be(scenes: Scenes) -> None:
    assert len(scenes.faces) > 10
    sides = scenes.faces[:, 3]
    assert sides.min() >= WANTED_SIDES[0]
    assert sides.max() <= WANTED_SIDES[1]
    assert greenness(scenes, scenes.faces).min() > 0.25


def test_doubtful_faces_are_of_other_sizes_or_covered(scenes: Scenes) -> None:
    assert len(scenes.doubtful) > 10
    sides = scenes.doubtful[:, 3]
    assert sides.min() >= OTHER_SIDES[0]
    assert sides.max() <= OTHER_SIDES[1]


def test_scenes_depend_on_the_generator_alone() -> None:
    hr = torch.rand(4, 3, 128, 128, generator=seeded(2))
    landmarks = 128 * torch.rand(4, 68, 2, generator=seeded(3))
    batch = FaceBatch(hr, hr, landmarks, torch.zeros(4, dtype=torch.int64))
    one, same, other = (make_scenes(batch, seeded(key)) for key in (1, 1, 2))
    assert all(torch.equal(mine, yours) for mine, yours in zip(one, same, strict=True))
    assert not torch.equal(one.images, other.images)
