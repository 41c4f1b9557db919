"""DIC: a recovery branch and a landmark branch that guide each other, step by step."""

from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn

from dicface.errors import ConfigError
from dicface.images.pixels import FACE_PX, LARGE_FACE_PX, LR_PX_OF
from dicface.landmarks import COMPONENTS, KEYPOINTS
from dicface.networks.blocks import channel_means
from dicface.networks.consistency import back_project
from dicface.networks.fusion import AttentiveFusion, ConcatenatedFusion, OneMapFusion
from dicface.networks.landmark_branch import LandmarkBranch, LandmarkOutput, no_landmarks
from dicface.networks.pretrained import Pretrained
from dicface.networks.recovery import AnySizeStem, PaperStem, Reconstruction, RecoveryBlock, StemOutput
from dicface.networks.u import DamageGate, HeatmapChannels, ReducedHeatmaps, UReconstruction, UStem, UTrunk


@dataclass(frozen=True)
class DICConfig:
    """Sizes and parts of a DIC network; the defaults are the authors'.

    Attributes:
        output_px: R, side of the result in pixels: 128, or 256 with a U.
        stem: `paper` takes 16x16 crops, `any-size` takes 8x8 to 64x64, or 32x32 to 256x256 for 256 px.
        recovery: `feedback` is the paper's recovery branch; `u` is a U with a wide trunk at low resolution (ADR 31;
            any-size crops only).
        steps: T, number of steps in which the branches guide each other; 1 leaves out the iteration.
        features: C, channels of the recovery branch; in a U, channels at half of the result's side.
        groups: G, projection pairs in a feedback block.
        projection_stride: factor by which a projection of a feedback block enlarges the 32x32 features.
        trunk_width: channels of the U's trunk.
        trunk_blocks: residual blocks of the U's trunk in each step.
        consistency: move the U's images towards those that reduce to the input, by a share that the network computes
            for each face.
        fusion_blocks: residual blocks in each path of the fusion.
        hourglass_width: F, channels of the landmark branch (its hourglass has 2F).
        keypoints: K, number of landmarks: 68 of iBUG or 194 of Helen.
        attention: how the heatmaps of one step guide the next. `components` weights one path per component;
            `one-map` weights all paths by the same map; `concatenation` takes them as input channels; `none` leaves out
            the landmark branch, and the network's heatmaps are zero.
        detach_attention: stop gradients from the attention to the landmark branch.
    """

    output_px: int = FACE_PX
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
        if self.output_px not in LR_PX_OF or (self.output_px != FACE_PX and self.recovery != "u"):
            raise ConfigError(
                f'expected network.output_px = {FACE_PX}, or one of {sorted(LR_PX_OF)} with network.recovery = "u", '
                f"got {self.output_px}"
            )
        if self.recovery == "u" and self.stem != "any-size":
            raise ConfigError(f'network.recovery = "u" needs network.stem = "any-size", got {self.stem!r}')
        if self.consistency and self.recovery != "u":
            raise ConfigError('network.consistency is for network.recovery = "u"; leave it out')
        if self.detach_attention and self.attention == "none":
            raise ConfigError('network.attention is "none", so there is none to detach; leave out detach_attention')

    @property
    def lr_px(self) -> tuple[int, int]:
        """Smallest and largest side of a crop in pixels."""
        return (16, 16) if self.stem == "paper" else LR_PX_OF[self.output_px]


DIC = DICConfig()
LITE = DICConfig(
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
LITE_256 = replace(LITE, output_px=LARGE_FACE_PX)


class DICState(NamedTuple):
    """Recurrent state, from one step to the next.

    Attributes:
        recovery: (N, C, 32, 32) float, output of the recovery block; with a U (N, width, R/8, R/8), that of the trunk.
        hidden: (N, F, 32, 32) float, hidden state of the landmark branch; without one (N, 0, R/4, R/4).
        heatmaps: (N, K, R/4, R/4) float, attention of the next step.
    """

    recovery: Tensor
    hidden: Tensor
    heatmaps: Tensor


class DICOutput(NamedTuple):
    """Results of every step; the last step's is the network's result.

    Attributes:
        sr: (N, T, 3, R, R) float RGB, nominally in [0, 1], not clipped.
        heatmaps: (N, T, K, R/4, R/4) float.
    """

    sr: Tensor
    heatmaps: Tensor


def _fusion(config: DICConfig) -> nn.Module | None:
    """Fusion of features and heatmaps in the steps after the first; None without attention."""
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


class DICNetwork(nn.Module, Pretrained):
    """Face super-resolution with iterative collaboration.

    Parts that the configuration does not use are None, so that every parameter is trained: `recovery`, the recovery
    block of later steps, for a single step; `landmark` without attention.

    Args:
        config: sizes and parts of the network.

    `from_pretrained` and `save_pretrained` load and save it, see `Pretrained`.

    Source: the paper's overall framework. The recurrent state is an argument and a result (ADR 1).
    """

    means: Tensor

    def __init__(self, config: DICConfig) -> None:
        super().__init__()
        self.config = config
        self.register_buffer("means", channel_means(), persistent=False)
        iterates = config.steps > 1
        if config.recovery == "u":
            c, width, blocks = config.features, config.trunk_width, config.trunk_blocks
            self.stem = UStem(c, width, config.output_px)
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
        scale = config.output_px // FACE_PX
        self.landmark = LandmarkBranch(config.hourglass_width, config.keypoints, scale=scale) if finds else None

    def begin_later_steps(self) -> None:
        """Copy the first step's recovery block to that of the later steps, which then repeat the first image.

        Raises:
            ConfigError: a network of one step, or with a U.
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
        """A step's image (N, 3, R, R), means subtracted."""
        sr = start.base + self.reconstruction(recovered, start.skips)
        return sr if self.damage_gate is None else back_project(sr, lr, self.damage_gate(recovered))

    def step(self, lr: Tensor, start: StemOutput, state: DICState | None) -> tuple[Tensor, DICState]:
        """One round of collaboration.

        Args:
            lr: (N, 3, S, S) float, means subtracted.
            start: output of the stem.
            state: state of the previous step. None in the first, which has no attention and a block of its own.

        Returns:
            The step's image (N, 3, R, R) float, means subtracted, and the state for the next step.

        Raises:
            ConfigError: a second step of a network of one step.
        """
        sr, recovered = self.step_image(lr, start, state)
        found = self._find(sr, state)
        return sr, DICState(recovered, found.hidden, found.heatmaps)

    def step_image(self, lr: Tensor, start: StemOutput, state: DICState | None) -> tuple[Tensor, Tensor]:
        """The recovery branch's part of a step, without landmarks; arguments and errors are those of `step`.

        Returns:
            The step's image (N, 3, R, R) float, means subtracted, and `DICState.recovery` of the next step.
        """
        recovered = self._recover(start.features, state)
        return self._enlarge(lr, start, recovered), recovered

    def forward(self, lr: Tensor, steps: int | None = None) -> DICOutput:
        """Super-resolve faces.

        Args:
            lr: (N, 3, S, S) float RGB in [0, 1]; S within `config.lr_px`.
            steps: number of steps; None for the configured number.

        Returns:
            Images and heatmaps of all steps.

        Raises:
            ConfigError: several steps of a network of one step.
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
