"""The paper's reduction is Pillow's, and the camera's faults do what their names say."""

import dataclasses

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from dicface.data import degradation
from dicface.data.degradation import LRConfig, photograph_faces, reduce_faces
from dicface.errors import ConfigError

needs_accelerator = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
PERFECT = LRConfig(degradation="camera")


def portrait_face(portrait: np.ndarray) -> Tensor:
    face = np.ascontiguousarray(portrait[60:188, 150:278])
    return torch.from_numpy(face).permute(2, 0, 1)[None].float() / 255


def photograph(hr: Tensor, config: LRConfig, size: int = 32) -> Tensor:
    return photograph_faces(hr, size, config, torch.Generator().manual_seed(0), len(hr), slice(0, len(hr)))


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
    assert ((photograph(face, PERFECT) - reduce_faces(face, 32)).abs() * 255).max() <= 1.001


def test_noise_has_the_stated_strength() -> None:
    grey = torch.full((4, 3, 128, 128), 0.5)
    noisy = photograph(grey, dataclasses.replace(PERFECT, noise_min=6, noise_max=6))
    assert float(noisy.std() * 255) == pytest.approx(6, rel=0.05)


def test_blur_has_the_stated_width() -> None:
    line = torch.zeros(1, 3, 128, 128)
    line[..., 62:66] = 1
    blurred = photograph(line, dataclasses.replace(PERFECT, blur_min=2, blur_max=2))[0, 0].mean(dim=0)
    place = torch.arange(32.0)
    mean = (blurred * place).sum() / blurred.sum()
    spread = ((blurred * (place - mean) ** 2).sum() / blurred.sum()).sqrt()
    assert float(mean) == pytest.approx(15.5, abs=0.05)
    assert float(spread) == pytest.approx(2, rel=0.1)


def test_a_smaller_sensor_loses_detail(portrait: np.ndarray) -> None:
    face = portrait_face(portrait)
    coarse = photograph(face, dataclasses.replace(PERFECT, sensor_min=0.5, sensor_max=0.5))
    detail = [(image.diff(dim=-1) ** 2).mean() for image in (photograph(face, PERFECT), coarse)]
    assert detail[1] < 0.7 * detail[0]


def test_jpeg_is_worse_at_lower_quality(portrait: np.ndarray) -> None:
    face = portrait_face(portrait)
    wanted = photograph(face, PERFECT)
    errors = [
        float((photograph(face, dataclasses.replace(PERFECT, jpeg_min=q, jpeg_max=q)) - wanted).square().mean())
        for q in (20, 60, 95, 100)
    ]
    assert errors == sorted(errors, reverse=True)
    assert errors[-1] == 0


def test_the_grid_of_jpeg_repeats_every_sixteen_pixels(portrait: np.ndarray) -> None:
    face = portrait[60:92, 150:182]

    def moved(above: int, left: int) -> np.ndarray:
        return degradation._jpeg(face, 90, above, left).astype(float)

    def off(above: int, left: int) -> float:
        return float(np.abs(moved(above, left) - moved(0, 0)).mean())

    assert max(off(16, 0), off(0, 16)) < 0.01
    # At 8 the blocks of luma coincide, those of colour do not.
    assert 0.5 < min(off(8, 0), off(0, 8)) < max(off(8, 0), off(0, 8)) < 2 < min(off(1, 0), off(0, 1), off(9, 0))
    # Each is cut out again where it was.
    assert max(np.abs(moved(above, above // 2) - face).mean() for above in range(16)) < 4


def test_faces_lie_anywhere_on_the_grid_of_jpeg(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[tuple[int, int]] = []

    def noting(image: np.ndarray, _: int, above: int, left: int) -> np.ndarray:
        drawn.append((above, left))
        return image

    monkeypatch.setattr(degradation, "_jpeg", noting)
    photograph(torch.zeros(200, 3, 128, 128), dataclasses.replace(PERFECT, jpeg_max=100, jpeg_min=90), 8)
    assert [set(offsets) for offsets in zip(*drawn, strict=True)] == [set(range(16))] * 2
    assert len(set(drawn)) > 100


def test_the_clean_share_is_reduced_as_the_paper_does(portrait: np.ndarray) -> None:
    faces = portrait_face(portrait).repeat(400, 1, 1, 1)
    harsh = dataclasses.replace(PERFECT, noise_min=20, noise_max=20, jpeg_min=30, jpeg_max=30, clean_share=0.25)
    clean = (photograph(faces, harsh, 16) == reduce_faces(faces, 16)).flatten(1).all(dim=1)
    assert float(clean.float().mean()) == pytest.approx(0.25, abs=0.08)
    everything = dataclasses.replace(harsh, clean_share=1.0)
    assert torch.equal(photograph(faces[:2], everything), reduce_faces(faces[:2], 32))


def test_a_share_beyond_all_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"expected lr\.clean_share from 0 to 1, got 1\.5"):
        dataclasses.replace(PERFECT, clean_share=1.5)


@pytest.mark.parametrize("wrong", [{"jpeg_min": 0}, {"noise_min": 3.0}, {"size_max": 129}, {"sensor_min": 0.1}])
def test_ranges_outside_reason_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match=r"expected lr\.\*_min not above lr\.\*_max"):
        dataclasses.replace(PERFECT, **wrong)
