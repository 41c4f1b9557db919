"""The paper's reduction is Pillow's, and the camera's faults do what their names say."""

import dataclasses

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from dicface.data.degradation import DegradationConfig, camera_degradation, draw_faults, reduce_faces
from dicface.errors import ConfigError

needs_accelerator = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
PERFECT = DegradationConfig(kind="camera")


def portrait_face(portrait: np.ndarray) -> Tensor:
    face = np.ascontiguousarray(portrait[60:188, 150:278])
    return torch.from_numpy(face).permute(2, 0, 1)[None].float() / 255


def degrade(hr: Tensor, config: DegradationConfig, size: int = 32) -> Tensor:
    return camera_degradation(hr, size, config, torch.Generator().manual_seed(0), len(hr), slice(0, len(hr)))


@pytest.mark.parametrize("device", ["cpu", pytest.param("cuda", marks=needs_accelerator)])
@pytest.mark.parametrize("size", [8, 16, 23, 64])
def test_reduction_is_pillows(portrait: np.ndarray, size: int, device: str) -> None:
    face = portrait_face(portrait)
    ours = reduce_faces(face.to(device), size).cpu()
    image = Image.fromarray((face[0] * 255).permute(1, 2, 0).numpy().astype(np.uint8))
    pillow = np.asarray(image.resize((size, size), Image.Resampling.BICUBIC), dtype=float)
    assert np.abs(ours[0].permute(1, 2, 0).numpy() * 255 - pillow).max() <= 1.001


def test_a_perfect_camera_reduces_as_the_paper_does(portrait: np.ndarray) -> None:
    face = portrait_face(portrait)
    assert torch.equal(degrade(face, PERFECT), reduce_faces(face, 32))


def test_noise_has_the_stated_strength() -> None:
    grey = torch.full((4, 3, 128, 128), 0.5)
    noisy = degrade(grey, dataclasses.replace(PERFECT, noise_min=6, noise_max=6))
    assert float(noisy.std() * 255) == pytest.approx(6, rel=0.05)


def test_blur_has_the_stated_width() -> None:
    line = torch.zeros(1, 3, 128, 128)
    line[..., 62:66] = 1
    blurred = degrade(line, dataclasses.replace(PERFECT, blur_min=2, blur_max=2))[0, 0].mean(dim=0)
    place = torch.arange(32.0)
    mean = (blurred * place).sum() / blurred.sum()
    spread = ((blurred * (place - mean) ** 2).sum() / blurred.sum()).sqrt()
    assert float(mean) == pytest.approx(15.5, abs=0.05)
    assert float(spread) == pytest.approx(2, rel=0.1)


def test_a_smaller_sensor_loses_detail(portrait: np.ndarray) -> None:
    face = portrait_face(portrait)
    coarse = degrade(face, dataclasses.replace(PERFECT, sensor_scale_min=0.5, sensor_scale_max=0.5))
    detail = [(image.diff(dim=-1) ** 2).mean() for image in (degrade(face, PERFECT), coarse)]
    assert detail[1] < 0.7 * detail[0]


def test_jpeg_is_worse_at_lower_quality(portrait: np.ndarray) -> None:
    face = portrait_face(portrait)
    wanted = degrade(face, PERFECT)
    errors = [
        float((degrade(face, dataclasses.replace(PERFECT, jpeg_min=q, jpeg_max=q)) - wanted).square().mean())
        for q in (20, 60, 95, 100)
    ]
    assert errors == sorted(errors, reverse=True)
    assert errors[-1] == 0


def test_faults_keep_to_their_shares_and_ranges() -> None:
    config = DegradationConfig(
        kind="camera",
        clean_share=0.25,
        blur_share=0.5,
        blur_min=0.5,
        blur_max=1.0,
        anisotropic_share=0.4,
        motion_share=0.2,
        sensor_share=0.3,
        noise_share=0.4,
        noise_min=2,
        noise_max=20,
        grain_share=0.3,
        sharpening_share=0.2,
        sharpening_min=0.5,
        sharpening_max=1.5,
        jpeg_share=0.6,
        jpeg_min=30,
        jpeg_max=98,
        jpeg_444_share=0.4,
        jpeg_twice_share=0.3,
    )
    faults = draw_faults(config, 20_000, torch.Generator().manual_seed(0))
    sigma, stroke = faults.sigma_px, faults.stroke_px
    moved, blurred = stroke > 0, (sigma[:, 0] > 0) | (stroke > 0)
    oval = sigma[:, 1] < sigma[:, 0]
    noisy, sharpened, stored = faults.noise > 0, faults.sharpening > 0, faults.quality[:, 0] < 100
    twice = faults.quality[:, 1] < 100

    def share(having: Tensor, of: Tensor) -> float:
        return float((having & of).sum() / of.sum())

    everything = torch.ones_like(noisy)
    clean = ~(blurred | faults.resampled | noisy | sharpened | stored)
    for having, of, wanted in (
        (blurred, everything, 0.75 * 0.5),
        (oval, blurred, 0.4),
        (moved, blurred, 0.2),
        (faults.resampled, everything, 0.75 * 0.3),
        (noisy, everything, 0.75 * 0.4),
        (faults.grain, noisy, 0.3),
        (sharpened, everything, 0.75 * 0.2),
        (stored, everything, 0.75 * 0.6),
        (twice, stored, 0.3),
        (faults.full_colour[:, 0], stored, 0.4),
        (clean, everything, 0.25 + 0.75 * 0.5 * 0.7 * 0.6 * 0.8 * 0.4),
    ):
        assert share(having, of) == pytest.approx(wanted, abs=0.02)
    assert not (twice & ~stored).any()
    for strength, (low, high) in (
        (sigma[blurred & ~moved, 0], (0.5, 1)),
        (stroke[moved] / 3.3, (0.5, 1)),
        (faults.noise[noisy], (2, 20)),
        (faults.sharpening[sharpened], (0.5, 1.5)),
        (faults.quality[stored][:, 0].float(), (30, 98)),
        (faults.quality[twice][:, 1].float(), (30, 98)),
    ):
        assert low <= strength.min() < low + 0.02 * (high - low)
        assert high - 0.02 * (high - low) < strength.max() <= high


def test_single_faults_come_alone() -> None:
    config = DegradationConfig(
        kind="camera",
        clean_share=0.2,
        single_share=1.0,
        blur_share=0.0,
        sensor_share=0.1,
        noise_share=0.3,
        noise_min=1,
        noise_max=20,
        sharpening_share=0.0,
        jpeg_share=0.6,
        jpeg_min=30,
        jpeg_max=98,
    )
    faults = draw_faults(config, 20_000, torch.Generator().manual_seed(0))
    present = torch.stack([faults.resampled, faults.noise > 0, faults.quality[:, 0] < 100])
    assert set(present.sum(dim=0).tolist()) == {0, 1}
    assert present.float().mean(dim=1).tolist() == pytest.approx([0.08, 0.24, 0.48], abs=0.02)


def test_faces_lie_anywhere_on_the_grid_of_jpeg() -> None:
    offsets = draw_faults(PERFECT, 5000, torch.Generator().manual_seed(0)).offset.flatten(1).tolist()
    assert [set(values) for values in zip(*offsets, strict=True)] == [set(range(16))] * 4
    assert len({tuple(values[:2]) for values in offsets}) == 256


def test_grain_is_grey_and_noise_is_not() -> None:
    grey = torch.full((4, 3, 128, 128), 0.5)
    noisy = dataclasses.replace(PERFECT, noise_min=10, noise_max=10)
    grain = degrade(grey, dataclasses.replace(noisy, grain_share=1.0))
    assert torch.equal(grain[:, 0], grain[:, 2])
    assert float(grain.std() * 255) == pytest.approx(10, rel=0.08)
    coloured = degrade(grey, noisy)
    correlation = torch.corrcoef(torch.stack([coloured[:, 0].flatten(), coloured[:, 2].flatten()]))[0, 1]
    assert abs(float(correlation)) < 0.06


def test_noise_alone_is_what_the_paper_reduces_and_noise(portrait: np.ndarray) -> None:
    face = portrait_face(portrait) * 0.5 + 0.25
    only = dataclasses.replace(PERFECT, noise_min=10, noise_max=10, noise_share=1, jpeg_share=0, blur_share=0)
    difference = (degrade(face.repeat(8, 1, 1, 1), only) - reduce_faces(face, 32)) * 255
    assert float(difference.std()) == pytest.approx(10, rel=0.05)
    assert abs(float(difference.mean())) < 0.5


def test_a_second_jpeg_file_adds_to_the_first(portrait: np.ndarray) -> None:
    face = portrait_face(portrait).repeat(8, 1, 1, 1)
    once = dataclasses.replace(PERFECT, jpeg_min=50, jpeg_max=50)
    wanted = reduce_faces(face, 32)
    errors = [
        float((degrade(face, config) - wanted).square().mean())
        for config in (once, dataclasses.replace(once, jpeg_twice_share=1.0))
    ]
    assert errors[0] * 1.1 < errors[1] < errors[0] * 3


def test_the_clean_share_is_reduced_as_the_paper_does(portrait: np.ndarray) -> None:
    faces = portrait_face(portrait).repeat(400, 1, 1, 1)
    harsh = dataclasses.replace(PERFECT, noise_min=20, noise_max=20, jpeg_min=30, jpeg_max=30, clean_share=0.25)
    clean = (degrade(faces, harsh, 16) == reduce_faces(faces, 16)).flatten(1).all(dim=1)
    assert float(clean.float().mean()) == pytest.approx(0.25, abs=0.08)
    everything = dataclasses.replace(harsh, clean_share=1.0)
    assert torch.equal(degrade(faces[:2], everything), reduce_faces(faces[:2], 32))


def test_a_share_beyond_all_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"expected degradation\.clean_share from 0 to 1, got 1\.5"):
        dataclasses.replace(PERFECT, clean_share=1.5)


def test_shares_of_blur_beyond_all_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"anisotropic_share and motion_share to make at most 1 together"):
        dataclasses.replace(PERFECT, anisotropic_share=0.7, motion_share=0.5)


@pytest.mark.parametrize(
    "wrong",
    [{"jpeg_min": 0}, {"sharpening_max": 6.0}, {"noise_min": 3.0}, {"size_max": 257}, {"sensor_scale_min": 0.1}],
)
def test_ranges_outside_reason_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match=r"expected degradation\.\*_min not above degradation\.\*_max"):
        dataclasses.replace(PERFECT, **wrong)
