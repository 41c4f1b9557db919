"""DIC: recovery and landmark branches that improve each other step by step."""

from dataclasses import dataclass
from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn

from dicface.networks.blocks import channel_means
from dicface.networks.fusion import AttentiveFusion, component_maps
from dicface.networks.landmark import LandmarkBranch
from dicface.networks.recovery import AnySizeStem, PaperStem, Reconstruction, RecoveryBlock


@dataclass(frozen=True)
class DICConfig:
    """Sizes of a DIC network; the defaults are the authors'.

    Attributes:
        stem: `paper` takes 16x16 crops, `any-size` takes 8x8 to 64x64.
        steps: T, how often the two branches improve each other.
        features: C, channels of the recovery branch.
        groups: G, projection pairs in a recovery block.
        projection_stride: how far a projection enlarges the 32x32 features.
        fusion_blocks: residual blocks in each path of the attentive fusion.
        hourglass_width: F, channels of the landmark branch (its hourglass has 2F).
        keypoints: K, number of landmarks.
    """

    stem: Literal["paper", "any-size"] = "paper"
    steps: int = 4
    features: int = 48
    groups: int = 6
    projection_stride: int = 8
    fusion_blocks: int = 7
    hourglass_width: int = 256
    keypoints: int = 68


DIC = DICConfig()
LITE = DICConfig(
    stem="any-size",
    steps=3,
    features=32,
    groups=3,
    projection_stride=2,
    fusion_blocks=2,
    hourglass_width=64,
)


class DICState(NamedTuple):
    """What one step hands to the next.

    Attributes:
        recovery: (N, C, 32, 32) float, output of the recovery block.
        hidden: (N, F, 32, 32) float, memory of the landmark branch.
        heatmaps: (N, K, 32, 32) float, the attention of the next step.
    """

    recovery: Tensor
    hidden: Tensor
    heatmaps: Tensor


class DICOutput(NamedTuple):
    """Every step's result; the last one's is the network's.

    Attributes:
        sr: (N, T, 3, 128, 128) float RGB, in [0, 1] give or take an overshoot (not clipped).
        heatmaps: (N, T, K, 32, 32) float.
    """

    sr: Tensor
    heatmaps: Tensor


class DICNetwork(nn.Module):
    """Face super-resolution with iterative collaboration.

    Source: the paper's overall framework. The recurrent state is an argument and a result (ADR 0001).
    """

    means: Tensor

    def __init__(self, config: DICConfig) -> None:
        super().__init__()
        self.config = config
        c, stride = config.features, config.projection_stride
        self.register_buffer("means", channel_means(), persistent=False)
        self.stem = PaperStem(c) if config.stem == "paper" else AnySizeStem(c)
        self.first_recovery = RecoveryBlock(c, c, config.groups, stride, fusion=None)
        self.recovery = RecoveryBlock(2 * c, c, config.groups, stride, fusion=AttentiveFusion(c, config.fusion_blocks))
        self.reconstruction = Reconstruction(c)
        self.landmark = LandmarkBranch(config.hourglass_width, config.keypoints)

    def step(self, features: Tensor, base: Tensor, state: DICState | None) -> tuple[Tensor, DICState]:
        """One round of collaboration.

        Args:
            features: (N, C, 32, 32) float from the stem.
            base: (N, 3, 128, 128) float, the plain enlargement, means subtracted.
            state: the previous step's; None at step 0, which has no attention and a recovery block of its own.

        Returns:
            The step's image (N, 3, 128, 128), means subtracted, and the state for the next step.
        """
        if state is None:
            recovered = self.first_recovery(features, None)
        else:
            recovered = self.recovery(torch.cat([features, state.recovery], dim=1), component_maps(state.heatmaps))
        sr = base + self.reconstruction(recovered)
        found = self.landmark(sr, None if state is None else state.hidden)
        return sr, DICState(recovered, found.hidden, found.heatmaps)

    def forward(self, lr: Tensor, steps: int | None = None) -> DICOutput:
        """Super-resolve faces.

        Args:
            lr: (N, 3, S, S) float RGB in [0, 1]; S = 16 for the paper's stem, 8 to 64 for the any-size one.
            steps: number of steps, the configured one if None.

        Returns:
            All steps' images and heatmaps.
        """
        features, base = self.stem(lr - self.means)
        state: DICState | None = None
        images: list[Tensor] = []
        heatmaps: list[Tensor] = []
        for _ in range(self.config.steps if steps is None else steps):
            sr, state = self.step(features, base, state)
            images.append(sr + self.means)
            heatmaps.append(state.heatmaps)
        return DICOutput(torch.stack(images, dim=1), torch.stack(heatmaps, dim=1))
