"""Placements worked by hand."""

import torch

from dicface.data.augmentation import (
    AugmentationConfig,
    Light,
    Placement,
    cut_faces,
    draw_light,
    move_landmarks,
    relight,
)

CENTRE = torch.tensor([[72.0, 72.0]])


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
    torch.testing.assert_close(move_landmarks(points, placement([[-1, 0], [0, 1]], mirrored=True), True), points - 8)


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
    lit = relight(faces, Light(torch.tensor([2.0, 2.0]), torch.tensor([False, False])))
    torch.testing.assert_close(lit[:, 0, 0, 0], torch.tensor([0.4, 1.0]))


def test_grey_faces_keep_their_luma() -> None:
    green = torch.zeros(1, 3, 2, 2)
    green[:, 1] = 1
    lit = relight(green, Light(torch.ones(1), torch.tensor([True])))
    torch.testing.assert_close(lit, torch.full_like(lit, round(0.587 * 255) / 255))


def test_exposure_is_drawn_evenly_about_none() -> None:
    drawn = draw_light(AugmentationConfig(exposure=1.5, grey_share=0.25), 4000, torch.Generator().manual_seed(0))
    stops = drawn.gain.log2()
    assert -1.5 <= stops.min() < -1.4
    assert 1.4 < stops.max() <= 1.5
    assert abs(float(stops.mean())) < 0.05
    assert abs(float(drawn.grey.float().mean()) - 0.25) < 0.03
