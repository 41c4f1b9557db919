"""DIC: recovery and landmark branches that improve each other step by step."""

from dataclasses import dataclass
from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn

from dicface.errors import ConfigError
from dicface.landmarks import COMPONENTS, KEYPOINTS
from dicface.networks.blocks import channel_means
from dicface.networks.consistency import back_project
from dicface.networks.fusion import AttentiveFusion, ConcatenatedFusion, OneMapFusion
from dicface.networks.landmark_branch import LandmarkBranch, LandmarkOutput, no_landmarks
from dicface.networks.recovery import AnySizeStem, PaperStem, Reconstruction, RecoveryBlock, StemOutput
from dicface.networks.u import DamageGate, HeatmapChannels, ReducedHeatmaps, UReconstruction, UStem, UTrunk


@dataclass(frozen=True)
class DICConfig:
    """Sizes of a DIC network, and what of the method it leaves out; the defaults are the authors'.

    Attributes:
        stem: `paper` takes 16x16 crops, `any-size` takes 8x8 to 64x64.
        recovery: `feedback` is the paper's recovery branch; `u` computes on a wide 16x16 trunk between a way down and
            a way up (any-size crops only).
        steps: T, how often the two branches improve each other; 1 leaves out the iteration.
        features: C, channels of the recovery branch; of the U at 64x64.
        groups: G, projection pairs in a feedback block.
        projection_stride: how far a projection of a feedback block enlarges the 32x32 features.
        trunk_width: channels of the U's trunk.
        trunk_blocks: residual blocks of the U's trunk, in each step.
        consistency: the U's images are moved towards those that reduce to the input, as far as the network believes
            the input.
        fusion_blocks: residual blocks in each path of the fusion.
        hourglass_width: F, channels of the landmark branch (its hourglass has 2F).
        keypoints: K, number of landmarks: 68 of iBUG or 194 of Helen.
        attention: how the heatmaps of one step guide the next. `components` weighs a path for each component;
            `one-map` weighs all paths by the same map; `concatenation` makes them input channels; `none` leaves out the
            landmark branch, and the network's heatmaps are zero.
        detach_attention: let no gradient pass through the attention to the landmark branch.
    """

    stem: Literal["paper", "any-size"] = "paper"
    recovery: Literal["feedback", "u"] = "feedback"
    steps: int = 4
    features: int = 48
    groups: int = 6
    projection_stride: int = 8
    trunk_width: int = 128
    trunk_blocks: int = 4
    consistency: bool = False
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
        if self.recovery == "u" and self.stem != "any-size":
            raise ConfigError(f'network.recovery = "u" needs network.stem = "any-size", got {self.stem!r}')
        if self.consistency and self.recovery != "u":
            raise ConfigError('network.consistency is for network.recovery = "u"; leave it out')
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
LITE_U = DICConfig(
    stem="any-size",
    recovery="u",
    steps=2,
    features=32,
    trunk_width=128,
    trunk_blocks=4,
    consistency=True,
    hourglass_width=64,
    attention="concatenation",
)


class DICState(NamedTuple):
    """What one step hands to the next.

    Attributes:
        recovery: (N, C, 32, 32) float, output of the recovery block; (N, width, 16, 16) of the U's trunk.
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
    """What takes (features, heatmaps) to features after the first step."""
    u = config.recovery == "u"
    features = config.trunk_width if u else config.features
    match config.attention:
        case "components":
            fusion = AttentiveFusion(features, config.fusion_blocks)
        case "one-map":
            fusion = OneMapFusion(features, config.fusion_blocks)
        case "concatenation":
            return (
                HeatmapChannels(features, config.keypoints)
                if u
                else ConcatenatedFusion(features, config.fusion_blocks, config.keypoints)
            )
        case "none":
            return None
    return ReducedHeatmaps(fusion) if u else fusion


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
        self.register_buffer("means", channel_means(), persistent=False)
        iterates = config.steps > 1
        if config.recovery == "u":
            c, width, blocks = config.features, config.trunk_width, config.trunk_blocks
            self.stem = UStem(c, width)
            self.first_recovery = UTrunk(width, width, blocks, fusion=None)
            self.recovery = UTrunk(2 * width, width, blocks, _fusion(config)) if iterates else None
            self.reconstruction = UReconstruction(c, width)
            self.damage_gate = DamageGate(width) if config.consistency else None
        else:
            c, stride = config.features, config.projection_stride
            self.stem = PaperStem(c) if config.stem == "paper" else AnySizeStem(c)
            self.first_recovery = RecoveryBlock(c, c, config.groups, stride, fusion=None)
            self.recovery = RecoveryBlock(2 * c, c, config.groups, stride, _fusion(config)) if iterates else None
            self.reconstruction = Reconstruction(c)
            self.damage_gate = None
        finds = config.attention != "none"
        self.landmark = LandmarkBranch(config.hourglass_width, config.keypoints) if finds else None

    def begin_later_steps(self) -> None:
        """Give the later steps the first one's recovery block, so that they begin by repeating its image.

        Raises:
            ConfigError: a network built for one step, or with a U.
        """
        first, later = self.first_recovery, self.recovery
        if not (isinstance(first, RecoveryBlock) and isinstance(later, RecoveryBlock)):
            raise ConfigError('expected a network of several steps with network.recovery = "feedback"')
        later.continue_from(first)

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

    def _enlarge(self, lr: Tensor, start: StemOutput, recovered: Tensor) -> Tensor:
        """A step's image (N, 3, 128, 128), means subtracted."""
        sr = start.base + self.reconstruction(recovered, start.skips)
        return sr if self.damage_gate is None else back_project(sr, lr, self.damage_gate(recovered))

    def step(self, lr: Tensor, start: StemOutput, state: DICState | None) -> tuple[Tensor, DICState]:
        """One round of collaboration.

        Args:
            lr: (N, 3, S, S) float, means subtracted.
            start: of the stem.
            state: the previous step's; None at step 0, which has no attention and a recovery block of its own.

        Returns:
            The step's image (N, 3, 128, 128), means subtracted, and the state for the next step.

        Raises:
            ConfigError: a second step of a network built for one.
        """
        recovered = self._recover(start.features, state)
        sr = self._enlarge(lr, start, recovered)
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
        centred = lr - self.means
        start = self.stem(centred)
        state: DICState | None = None
        images: list[Tensor] = []
        heatmaps: list[Tensor] = []
        for _ in range(self.config.steps if steps is None else steps):
            sr, state = self.step(centred, start, state)
            images.append(sr + self.means)
            heatmaps.append(state.heatmaps)
        return DICOutput(torch.stack(images, dim=1), torch.stack(heatmaps, dim=1))
