"""Weights of LPIPS that are not trained, under the names of torchvision and of the method's authors."""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

SHAPES = ((64, 3, 11), (192, 64, 5), (384, 192, 3), (256, 384, 3), (256, 256, 3))
"""Outputs, inputs and kernel of AlexNet's convolutions."""
INDICES = (0, 3, 6, 8, 10)
"""Numbers of the convolutions among the layers of torchvision's AlexNet."""
States = tuple[dict[str, Tensor], dict[str, Tensor]]


def random_lpips(seed: int = 0) -> States:
    """Weights of AlexNet and linear layers; a seed gives the same on every machine."""
    generator = np.random.default_rng(seed)
    alexnet: dict[str, Tensor] = {}
    linear: dict[str, Tensor] = {}
    for depth, (index, (outputs, inputs, kernel)) in enumerate(zip(INDICES, SHAPES, strict=True)):
        weights = generator.normal(0, (2 / (inputs * kernel**2)) ** 0.5, (outputs, inputs, kernel, kernel))
        alexnet[f"features.{index}.weight"] = torch.from_numpy(weights).float()
        alexnet[f"features.{index}.bias"] = torch.from_numpy(generator.normal(0, 0.05, outputs)).float()
        linear[f"lin{depth}.model.1.weight"] = torch.from_numpy(generator.random((1, outputs, 1, 1))).float()
    return alexnet, linear


def write_lpips(folder: Path, states: States | None = None) -> tuple[Path, Path]:
    """Write both files as they are published, AlexNet's with a layer of its classifier."""
    alexnet, linear = random_lpips() if states is None else states
    paths = folder / "alexnet-owt-7be5be79.pth", folder / "alex.pth"
    torch.save(alexnet | {"classifier.6.bias": torch.zeros(1000)}, paths[0])
    torch.save(linear, paths[1])
    return paths
