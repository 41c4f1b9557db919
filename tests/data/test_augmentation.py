"""Placements and light worked by hand."""

import dataclasses

import pytest
import torch
from torch import Tensor

from dicface.data.augmentation import (
    AugmentationConfig,
    PhotometricJitter,
    Placement,
    apply_jitter,
    choose_by_width,
    cut_faces,
    draw_jitter,
    face_widths,
    move_landmarks,
)
from dicface.data.damage import luma_channel
from dicface.errors import ConfigError

CENTRE = torch.tensor([[72.0, 72.0]])


WIDE = AugmentationConfig(
    crop_side_min=116, crop_side_max=156, face_width_min=0.6, face_width_max=0.85, padding_max=0.08, unscaled_share=0
)


def jitter(count: int, **changed: Tensor) -> PhotometricJitter:
    neutral = PhotometricJitter(
        torch.ones(count),
        torch.zeros(count, dtype=torch.bool),
        torch.zeros(count),
        torch.zeros(count),
        torch.ones(count),
    )
    return neutral._replace(**changed)


def placement(matrix: list[list[float]], mirrored: bool = False) -> Placement:
    return Placement(CENTRE, torch.tensor([matrix], dtype=torch.float32), torch.tensor([mirrored]))


def test_the_centre_of_a_pack_image_becomes_the_face() -> None:
    images = torch.rand(1, 3, 144, 144).mul(255).round() / 255
    torch.testing.assert_close(cut_faces(images, placement([[1, 0], [0, 1]])), images[:, :, 8:136, 8:136])


def test_a_quarter_turn_carries_a_landmark_round() -> None:
    points = torch.full((1, 68, 2), 71.5)
    points[0, 0] = torch.tensor([81.5, 71.5])  # right of the centre in the pack image
    turned = move_landmarks(points, placement([[0, -1], [1, 0]]), exchange=False)
    torch.testing.assert_close(turned[0, 0], torch.tensor([63.5, 53.5]))  # above it in the face


def test_mirror_of_a_symmetric_face_is_the_face() -> None:
    points = torch.full((1, 68, 2), 71.5)
    points[0, 0], points[0, 16] = torch.tensor([20.0, 50.0]), torch.tensor([123.0, 50.0])
    points[0, 36], points[0, 45] = torch.tensor([40.0, 45.0]), torch.tensor([103.0, 45.0])
    flipped = move_landmarks(points, placement([[-1, 0], [0, 1]], mirrored=True), exchange=True)
    torch.testing.assert_close(flipped, points - 8)


def test_twice_the_scale_halves_distances() -> None:
    points = torch.full((1, 68, 2), 71.5)
    points[0, 0] = torch.tensor([91.5, 61.5])
    moved = move_landmarks(points, placement([[2, 0], [0, 2]]), exchange=False)
    torch.testing.assert_close(moved[0, 0], torch.tensor([73.5, 58.5]))


def test_what_lies_outside_is_mirrored_at_the_edge() -> None:
    images = torch.zeros(1, 3, 144, 144)
    images[..., :10] = 1
    corner = Placement(torch.tensor([[54.0, 72.0]]), torch.eye(2)[None], torch.tensor([False]))
    # The face begins 10 px left of the image: 10 px of reflection, 10 px of the image's own edge, then nothing.
    row = cut_faces(images, corner)[0, 0, 64]
    assert row[:20].eq(1).all()
    assert row[20:].eq(0).all()


def test_light_multiplies_and_clips() -> None:
    faces = torch.tensor([0.2, 0.6]).reshape(2, 1, 1, 1).expand(2, 3, 4, 4)
    lit = apply_jitter(faces, jitter(2, gain=torch.tensor([2.0, 2.0])))
    torch.testing.assert_close(lit[:, 0, 0, 0], torch.tensor([0.4, 1.0]))


def test_grey_faces_keep_their_luma() -> None:
    green = torch.zeros(1, 3, 2, 2)
    green[:, 1] = 1
    lit = apply_jitter(green, jitter(1, grey=torch.tensor([True])))
    torch.testing.assert_close(lit, torch.full_like(lit, round(0.587 * 255) / 255))


def test_exposure_is_drawn_evenly_about_none() -> None:
    drawn = draw_jitter(AugmentationConfig(exposure=1.5, grey_share=0.25), 4000, torch.Generator().manual_seed(0))
    stops = drawn.gain.log2()
    assert -1.5 <= stops.min() < -1.4
    assert 1.4 < stops.max() <= 1.5
    assert abs(float(stops.mean())) < 0.05
    assert abs(float(drawn.grey.float().mean()) - 0.25) < 0.03


def test_neutral_light_leaves_faces_to_the_bit() -> None:
    faces = torch.randint(0, 256, (2, 3, 16, 16)) / 255
    assert torch.equal(apply_jitter(faces, jitter(2)), faces)


def test_brown_and_faded_prints_change_the_faces_that_are_drawn() -> None:
    faces = torch.randint(0, 256, (3, 3, 16, 16), generator=torch.Generator().manual_seed(0)) / 255
    drawn = jitter(
        3,
        brown=torch.tensor([0.7, 0.0, 0.0]),
        black=torch.tensor([0.0, 0.2, 0.0]),
        white=torch.tensor([1.0, 0.8, 1.0]),
    )
    changed = apply_jitter(faces, drawn)
    torch.testing.assert_close(luma_channel(changed)[0], luma_channel(faces)[0], atol=1 / 255, rtol=0)
    assert (changed[0, 0] - changed[0, 2]).min() >= -1 / 255
    torch.testing.assert_close(changed[1], 0.2 + 0.6 * faces[1], atol=0.5 / 255 + 1e-6, rtol=0)
    assert torch.equal(changed[2], faces[2])


def test_prints_keep_to_their_shares() -> None:
    config = AugmentationConfig(sepia_share=0.1, faded_share=0.3)
    drawn = draw_jitter(config, 8000, torch.Generator().manual_seed(0))
    assert float((drawn.brown > 0).float().mean()) == pytest.approx(0.1, abs=0.02)
    assert float((drawn.black > 0).float().mean()) == pytest.approx(0.3, abs=0.02)
    assert 0.15 < drawn.black.max() < 0.2
    assert 0.7 < drawn.white.min() < 0.75
    before = draw_jitter(AugmentationConfig(), 8000, torch.Generator().manual_seed(0))
    assert torch.equal(drawn.gain, before.gain)


def test_face_widths_are_drawn_evenly_among_the_faces_that_allow_them() -> None:
    # Three faces in four are tight, as in the packs.
    widths = torch.cat([torch.linspace(100, 113, 300), torch.linspace(78, 92, 100)])
    chosen = choose_by_width(WIDE, widths, 20_000, torch.Generator().manual_seed(0))
    share = widths[chosen.faces] / chosen.side_px
    assert torch.histc(share, 5, 0.6, 0.85).tolist() == pytest.approx([4000] * 5, rel=0.06)
    assert 116 <= chosen.side_px.min() < chosen.side_px.max() <= 156
    # The wide quarter is seen more often than one time in four.
    assert float((chosen.faces >= 300).float().mean()) > 0.3
    assert len(set(chosen.faces.tolist())) == 400


def test_a_width_that_no_face_allows_is_come_near_to() -> None:
    for width, side in ((140.0, 156.0), (40.0, 116.0)):
        chosen = choose_by_width(WIDE, torch.full((5,), width), 50, torch.Generator().manual_seed(0))
        assert chosen.side_px.tolist() == [side] * 50


def test_the_width_of_a_face_is_that_of_its_landmarks() -> None:
    points = torch.tensor([[[10.0, 5.0], [60.0, 90.0], [30.0, 1.0]]])
    assert face_widths(points).tolist() == [50.0]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (
            {"face_width_min": 0.9},
            "face_width_min above 0 and not above augmentation.face_width_max, at most 1, or both",
        ),
        ({"face_width_max": 0.0}, "or both 0, got 0.6 and 0.0"),
        ({"padding_max": 0.7}, "expected augmentation.padding_max from 0 to 0.5, got 0.7"),
        ({"sepia_share": 1.1}, r"augmentation\.\*_share from 0 to 1"),
    ],
)
def test_widths_and_padding_outside_reason_are_refused(wrong: dict[str, float], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        dataclasses.replace(WIDE, **wrong)
