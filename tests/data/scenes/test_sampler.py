"""Faces in scenes lie where they are said to lie."""

import numpy as np
import pytest
import torch

from dicface.data.batches import Share
from dicface.data.packs import FacePack
from dicface.data.scenes.labels import OTHER_SIDES, WANTED_SIDES, Scenes
from dicface.data.scenes.sampler import SceneConfig, SceneSampler
from dicface.errors import ConfigError

UNDAMAGED = SceneConfig(side_px=128, empty_share=0.0, damaged_share=0.0)


def make_pack(faces: int = 4) -> FacePack:
    """Grey pictures whose faces, 90 px wide, have a green middle."""
    images = np.full((faces, 144, 144, 3), 128, np.uint8)
    images[:, 42:102, 42:102] = (0, 255, 0)
    ring = np.linspace(0, 2 * np.pi, 68, endpoint=False)
    landmarks = 71.5 + 45 * np.stack([np.cos(ring), np.sin(ring)], axis=1)
    return FacePack(
        tuple("abcd"), np.full(faces, -1), images, np.repeat(landmarks[None].astype(np.float32), faces, axis=0)
    )


BACKGROUNDS = [np.full((100, 150, 3), 60, np.uint8)]


def sampler(config: SceneConfig = UNDAMAGED, seed: int = 1, size: int = 24, share: Share | None = None) -> SceneSampler:
    return SceneSampler(make_pack(), BACKGROUNDS, config, seed, size, share or Share())


@pytest.fixture(scope="module")
def scenes() -> Scenes:
    return sampler().batch(0)


def test_scenes_are_pictures_of_8_bits(scenes: Scenes) -> None:
    assert scenes.images.shape == (24, 3, 128, 128)
    assert torch.equal(scenes.images * 255, (scenes.images * 255).round())
    assert scenes.images.min() >= 0
    assert scenes.images.max() <= 1


def test_faces_to_find_are_seen_where_they_are_said_to_be(scenes: Scenes) -> None:
    assert len(scenes.faces) > 10
    sides = scenes.faces[:, 3:].max(dim=1).values
    assert sides.min() >= WANTED_SIDES[0]
    assert sides.max() <= WANTED_SIDES[1]
    number, x, y = scenes.faces[:, :3].T.long()
    red, green, _ = scenes.images[number, :, y, x].T
    # A few have a hand or a mask before the middle.
    assert ((green - red) > 0.1).float().mean() > 0.8


def test_points_lie_about_the_middle_of_their_face(scenes: Scenes) -> None:
    """All landmarks lie on a circle here, so the means of the eyes' points and the others lie in the box."""
    assert scenes.points.shape == (len(scenes.faces), 5, 2)
    off = (scenes.points - scenes.faces[:, None, 1:3]).abs() / scenes.faces[:, None, 3:]
    assert off.max() <= 0.5 + 1e-3


def test_ignored_faces_are_of_other_sizes_or_covered_or_turned(scenes: Scenes) -> None:
    assert len(scenes.ignored) > 5
    sides = scenes.ignored[:, 3:].max(dim=1).values
    assert sides.min() >= OTHER_SIDES[0]
    assert sides.max() <= OTHER_SIDES[1]


def test_empty_scenes_have_no_faces() -> None:
    empty = sampler(SceneConfig(side_px=64, empty_share=1.0, row_share=0.0, crowd_share=0.0)).batch(0)
    assert len(empty.faces) == len(empty.ignored) == len(empty.points) == 0


@pytest.mark.slow
def test_scenes_depend_on_seed_and_step_alone() -> None:
    one, same = sampler().batch(3), sampler().batch(3)
    assert all(torch.equal(mine, yours) for mine, yours in zip(one, same, strict=True))
    assert not torch.equal(one.images, sampler(seed=2).batch(3).images)
    assert not torch.equal(one.images, sampler().batch(4).images)
    assert torch.equal(sampler(seed=1).validation(0).images, sampler(seed=2).validation(0).images)


def test_processes_share_the_scenes_of_one() -> None:
    whole = sampler(size=4).batch(1).images
    parts = [sampler(size=4, share=Share(rank, 2)).batch(1).images for rank in range(2)]
    assert torch.equal(torch.stack(parts, dim=1).flatten(0, 1), whole)


def test_contradicting_settings_are_refused() -> None:
    with pytest.raises(ConfigError, match="a multiple of 32, got 100"):
        SceneConfig(side_px=100)
    with pytest.raises(ConfigError, match="row and crowd together"):
        SceneConfig(row_share=0.6, crowd_share=0.6)
    with pytest.raises(ConfigError, match="a multiple of the 2 processes, got 3"):
        sampler(size=3, share=Share(0, 2))


def test_old_prints_have_no_colours_but_one_tint_and_grain() -> None:
    config = SceneConfig(side_px=128, empty_share=0.0, damaged_share=0.0, aged_share=1.0)
    images = sampler(config, size=6).batch(0).images
    plain = sampler(SceneConfig(side_px=128, empty_share=0.0, damaged_share=0.0), size=6).batch(0).images
    # A face's middle is green, so a coloured scene has places where green is far above red and blue.
    excess = (images[:, 1] - (images[:, 0] + images[:, 2]) / 2).amax(dim=(1, 2))
    assert (plain[:, 1] - (plain[:, 0] + plain[:, 2]) / 2).amax() > 0.9
    assert excess.median() < 0.3
    steps = (images[..., 1:] - images[..., :-1]).abs().flatten(1).median(dim=1).values
    assert (steps > 3 / 255).sum() >= 4


def test_shares_of_prints_and_hands_are_checked() -> None:
    with pytest.raises(ConfigError, match=r"aged_share=1\.5"):
        SceneConfig(aged_share=1.5)
    with pytest.raises(ConfigError, match="hand_share=-1"):
        SceneConfig(hand_share=-1)


def test_hands_are_no_faces() -> None:
    config = SceneConfig(side_px=128, empty_share=0.0, damaged_share=0.0, hand_share=1.0)
    with_hands, without = sampler(config).batch(0), sampler().batch(0)
    assert not torch.equal(with_hands.images, without.images)
    sides = with_hands.faces[:, 3:].max(dim=1).values
    assert len(sides) > 10
    number, x, y = with_hands.faces[:, :3].T.long()
    red, green, _ = with_hands.images[number, :, y, x].T
    assert ((green - red) > 0.1).float().mean() > 0.8
