"""DIC: recovery and landmark branches that improve each other step by step."""

from dataclasses import dataclass
from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn

from dicface.errors import ConfigError
from dicface.landmarks import COMPONENTS, KEYPOINTS
from dicface.networks.blocks import channel_means
from dicface.networks.fusion import AttentiveFusion, ConcatenatedFusion, OneMapFusion
from dicface.networks.landmark_branch import LandmarkBranch, LandmarkOutput, no_landmarks
from dicface.networks.recovery import AnySizeStem, PaperStem, Reconstruction, RecoveryBlock


@dataclass(frozen=True)
class DICConfig:
    """Sizes of a DIC network, and what of the method it leaves out; the defaults are the authors'.

    Attributes:
        stem: `paper` takes 16x16 crops, `any-size` takes 8x8 to 64x64.
        steps: T, how often the two branches improve each other; 1 leaves out the iteration.
        features: C, channels of the recovery branch.
        groups: G, projection pairs in a recovery block.
        projection_stride: how far a projection enlarges the 32x32 features.
        fusion_blocks: residual blocks in each path of the fusion.
        hourglass_width: F, channels of the landmark branch (its hourglass has 2F).
        keypoints: K, number of landmarks: 68 of iBUG or 194 of Helen.
        attention: how the heatmaps of one step guide the next. `components` weighs a path for each component;
            `one-map` weighs all paths by the same map; `concatenation` makes them input channels; `none` leaves out the
            landmark branch, and the network's heatmaps are zero.
        detach_attention: let no gradient pass through the attention to the landmark branch.
    """

    stem: Literal["paper", "any-size"] = "paper"
    steps: int = 4
    features: int = 48
    groups: int = 6
    projection_stride: int = 8
    fusion_blocks: int = 7
    hourglass_width: int = 256
    keypoints: int = KEYPOINTS
    attention: Literal["components", "one-map", "concatenation", "none"] = "components"
    detach_attention: bool = False

    def __post_init__(self) -> None:
        if self.steps < 1:
            raise ConfigError(f"expected network.steps from 1 up, got {self.steps}")
        if self.keypoints not in COMPONENTS:
            raise ConfigError(f"expected keypoints to be 68 (iBUG) or 194 (Helen), got {self.keypoints}")
        if self.detach_attention and self.attention == "none":
            raise ConfigError('network.attention is "none", so there is none to detach; leave out detach_attention')


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
        hidden: (N, F, 32, 32) float, memory of the landmark branch; no channels where there is none.
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


def _fusion(config: DICConfig) -> nn.Module | None:
    """What takes (features, heatmaps) to features in the later recovery block."""
    match config.attention:
        case "components":
            return AttentiveFusion(config.features, config.fusion_blocks)
        case "one-map":
            return OneMapFusion(config.features, config.fusion_blocks)
        case "concatenation":
            return ConcatenatedFusion(config.features, config.fusion_blocks, config.keypoints)
        case "none":
            return None


class DICNetwork(nn.Module):
    """Face super-resolution with iterative collaboration.

    Only what the configuration uses is built, so that every parameter learns: no later recovery block for a single
    step (`recovery` is None), no landmark branch without attention (`landmark` is None).

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
        iterates = config.steps > 1
        self.recovery = RecoveryBlock(2 * c, c, config.groups, stride, _fusion(config)) if iterates else None
        self.reconstruction = Reconstruction(c)
        finds = config.attention != "none"
        self.landmark = LandmarkBranch(config.hourglass_width, config.keypoints) if finds else None

    def _recover(self, features: Tensor, state: DICState | None) -> Tensor:
        if state is None:
            return self.first_recovery(features, None)
        if self.recovery is None:
            raise ConfigError("this network was built for network.steps = 1 and cannot go on to a second step")
        heatmaps = state.heatmaps.detach() if self.config.detach_attention else state.heatmaps
        return self.recovery(torch.cat([features, state.recovery], dim=1), heatmaps)

    def _find(self, sr: Tensor, state: DICState | None) -> LandmarkOutput:
        if self.landmark is None:
            return no_landmarks(sr, self.config.keypoints)
        return self.landmark(sr, None if state is None else state.hidden)

    def step(self, features: Tensor, base: Tensor, state: DICState | None) -> tuple[Tensor, DICState]:
        """One round of collaboration.

        Args:
            features: (N, C, 32, 32) float from the stem.
            base: (N, 3, 128, 128) float, the plain enlargement, means subtracted.
            state: the previous step's; None at step 0, which has no attention and a recovery block of its own.

        Returns:
            The step's image (N, 3, 128, 128), means subtracted, and the state for the next step.

        Raises:
            ConfigError: a second step of a network built for one.
        """
        recovered = self._recover(features, state)
        sr = base + self.reconstruction(recovered)
        found = self._find(sr, state)
        return sr, DICState(recovered, found.hidden, found.heatmaps)

    def forward(self, lr: Tensor, steps: int | None = None) -> DICOutput:
        """Super-resolve faces.

        Args:
            lr: (N, 3, S, S) float RGB in [0, 1]; S = 16 for the paper's stem, 8 to 64 for the any-size one.
            steps: number of steps, the configured one if None.

        Returns:
            All steps' images and heatmaps.

        Raises:
            ConfigError: more steps of a network built for one.
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
