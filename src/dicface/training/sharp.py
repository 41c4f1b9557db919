"""The task `sharp`."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from dicface.checkpoints.networks import load_strictly, save_network
from dicface.data.batches import FaceBatch, target_heatmaps
from dicface.data.degradation import DegradationConfig, reduce_faces
from dicface.errors import CheckpointError, ConfigError
from dicface.evaluation.detail import detail_energies, detail_scores
from dicface.evaluation.identity import Recogniser
from dicface.evaluation.protocols import Y_CROP8
from dicface.images.pixels import FACE_PX
from dicface.networks.dic import DICNetwork, DICState
from dicface.networks.lightcnn import LightCNNFeatures
from dicface.networks.patch_discriminator import PatchDiscriminators
from dicface.networks.resize import resize_bicubic, to_pixels
from dicface.training.config import SharpRun
from dicface.training.dic import compile_blocks, psnr_db
from dicface.training.landmarks import landmark_error
from dicface.training.sharp_losses import (
    adversarial_ramp,
    balanced_weight,
    generator_hinge_loss,
    hinge_loss,
    matching_loss,
    moved_crop,
)
from dicface.training.task import Column, Task
from dicface.training.weights import find_weights, part_of, read_weights


class SharpLoss(NamedTuple):
    """Terms of the loss, scalars.

    Attributes:
        faithful: weighted sum of the terms that compare with the photo.
        adversarial: the network's part of the hinge loss, unweighted.
        discriminator: the discriminators' hinge loss.
    """

    faithful: Tensor
    adversarial: Tensor
    discriminator: Tensor


class SharpTask(Task[DICNetwork, SharpRun]):
    """Trains the last step's trunk and the tail against patch discriminators.

    Source: ADR 45; not in the paper.
    """

    config_type = SharpRun

    def __init__(self, config: SharpRun) -> None:
        super().__init__(config)
        self.sharp = config.sharp
        if not config.run.network_weights:
            raise ConfigError('expected run.network_weights, the faithful network to start from, got none; try "lite"')
        if config.sharp.feature and not config.run.features_weights:
            raise ConfigError(
                "expected run.features_weights, the result of a run of the `features` task, for the feature loss; "
                "name it, or set sharp.feature = 0"
            )
        self.network = DICNetwork(config.network).requires_grad_(requires_grad=False)
        for part in self._trained_parts():
            part.requires_grad_(requires_grad=True)
        self.discriminators = PatchDiscriminators(config.sharp.discriminator_width)
        self.features = LightCNNFeatures().requires_grad_(requires_grad=False)
        # Not a part of the task: it is measured with, and neither saved nor averaged.
        self._recognisers: list[Recogniser] | None = None

    def _trained_parts(self) -> list[nn.Module]:
        network = self.network
        trunk = network.first_recovery if network.recovery is None else network.recovery
        parts = {"trunk": trunk, "reconstruction": network.reconstruction}
        return [parts[name] for name in self.sharp.trained]

    def start(self) -> None:
        """Load the face features, too."""
        super().start()
        if name := self.config.run.features_weights:
            load_strictly(self.features, part_of(read_weights(name), "features"))

    def compile_network(self) -> None:
        """Compile the network's blocks, and the discriminators."""
        compile_blocks(self.network)
        self.discriminators.compile(dynamic=False)

    @property
    def degradation(self) -> DegradationConfig:
        """The config's degradation."""
        return self.config.degradation

    @property
    def face_px(self) -> int:
        """Side of the network's results in pixels."""
        return self.config.network.output_px

    def groups(self) -> list[list[nn.Parameter]]:
        """Parameters of the network's trained parts, and those of the discriminators."""
        trained = [parameter for parameter in self.network.parameters() if parameter.requires_grad]
        return [trained, list(self.discriminators.parameters())]

    def learning_rates(self) -> list[float]:
        """Highest learning rates of network and discriminators."""
        return [self.config.optimiser.learning_rate, self.sharp.discriminator_learning_rate]

    @property
    def betas(self) -> tuple[float, float]:
        """Decay of the optimiser's moments."""
        return self.sharp.beta1, self.sharp.beta2

    def on_before_optimizer_step(self, optimizer: torch.optim.Optimizer) -> None:
        """Drop the network's gradients while the discriminators learn alone, and clip the others."""
        if self.global_step < self.sharp.discriminator_steps:
            for parameter in self.groups()[0]:
                parameter.grad = None
        super().on_before_optimizer_step(optimizer)

    def _last_image(self, lr: Tensor) -> Tensor:
        """The last step's image, means subtracted; gradients reach only what the last step computes."""
        network = self.network
        centred = lr - network.means
        state: DICState | None = None
        with torch.no_grad():
            start = network.stem(centred)
            for _ in range(network.config.steps - 1):
                _, state = network.step(centred, start, state)
        return network.step_image(centred, start, state)[0]

    def _losses(self, sr: Tensor, batch: FaceBatch, ramp: float) -> SharpLoss:
        """Terms of an image (N, 3, R, R), means subtracted."""
        weights, hr, size = self.sharp, batch.hr - self.network.means, batch.lr.shape[-1]
        # Photos and results are judged together, so that one estimate of the spectral norm serves both.
        judged = self.discriminators(moved_crop(torch.cat([hr, sr]), self.global_step), size)
        halves = [(one.scores.chunk(2), [each.chunk(2) for each in one.features]) for one in judged]
        real = [scores[0] for scores, _ in halves]
        fake = [scores[1] for scores, _ in halves]
        image = (sr - hr).abs().mean()
        consistency = (resize_bicubic(sr, size) - resize_bicubic(hr, size)).abs().mean()
        faithful = weights.image * image + weights.consistency * consistency
        self.log_dict({"image": image, "consistency": consistency})
        if weights.matching and ramp:
            photos = [[pair[0] for pair in features] for _, features in halves]
            results = [[pair[1] for pair in features] for _, features in halves]
            matching = matching_loss(photos, results)
            faithful = faithful + ramp * weights.matching * matching
            self.log("matching", matching)
        if weights.feature and ramp:
            feature = (self._face_features(sr) - self._face_features(hr)).abs().mean()
            faithful = faithful + weights.feature * feature
            self.log("feature", feature)
        return SharpLoss(faithful, generator_hinge_loss(fake), hinge_loss(real, fake))

    def _face_features(self, image: Tensor) -> Tensor:
        return self.features(self._of_face_px(image))

    def _balance(self, sr: Tensor, faithful: Tensor, adversarial: Tensor) -> Tensor:
        """Weight of the adversarial gradient, from the gradients of an image at the last layer, over all processes."""
        last = self.network.reconstruction.conv.weight
        pair: list[Tensor] = []
        for gradient in (faithful, adversarial):
            (at_last,) = torch.autograd.grad(sr, last, gradient, retain_graph=True)
            pair.append(self.trainer.strategy.reduce(at_last, None, "mean"))
        return balanced_weight(pair[0], pair[1], self.sharp.adversarial_ratio)

    def training_step(self, batch: FaceBatch, index: int) -> Tensor:
        """Sum of both networks' losses, a scalar; each has gradients in its own network only.

        The image is a leaf for the losses. Their gradients with respect to it are weighted and passed on to the
        network, which is thus traversed once, and none of them reaches the discriminators.
        """
        ramp = adversarial_ramp(self.global_step, self.sharp)
        alone = self.global_step < self.sharp.discriminator_steps
        with torch.set_grad_enabled(not alone or self.trainer.world_size > 1):
            sr = self._last_image(batch.lr)
        leaf = sr.detach().requires_grad_(not alone)
        loss = self._losses(leaf, batch, ramp)
        self.log_dict({"adversarial": loss.adversarial, "discriminator": loss.discriminator})
        self.log("psnr", psnr_db(leaf + self.network.means, batch.hr), prog_bar=True)
        if alone:
            # Processes wait for each other's gradients of every parameter.
            return loss.discriminator + (0 * sr.sum() if sr.requires_grad else 0)
        (faithful,) = torch.autograd.grad(loss.faithful, leaf, retain_graph=True)
        (adversarial,) = torch.autograd.grad(loss.adversarial, leaf, retain_graph=True)
        weight = ramp * self._balance(sr, faithful, adversarial)
        self.log("adversarial_weight", weight)
        total = (loss.faithful + weight * loss.adversarial).detach()
        passed_on = (sr * (faithful + weight * adversarial)).sum()
        return loss.discriminator + passed_on - passed_on.detach() + total

    def _recogniser(self) -> Recogniser | None:
        """Identity by the run's own face features; None without, or with features that embed no faces."""
        if self._recognisers is None:
            name = self.config.run.features_weights
            try:
                self._recognisers = [Recogniser(str(find_weights(name)))] if name else []
            except (CheckpointError, ConfigError):
                self._recognisers = []
        return self._recognisers[0] if self._recognisers else None

    def validation_step(self, batch: FaceBatch, index: int) -> dict[str, list[Column]]:
        """Log the gains and possible losses of a sharp network, at two sizes of crop if it takes them, as batch means.

        `val_score` is min(share, 1 / share) of the detail times its correlation.
        """
        scores: list[float] = []
        columns: list[Column] = []
        targets = target_heatmaps(batch.landmarks, face_px=batch.hr.shape[-1])
        low, high = self.config.network.lr_px
        for size in (16, 32) if self.face_px == FACE_PX else (64, 128):
            if not low <= size <= high:
                continue
            lr = reduce_faces(batch.hr, size)
            output = self.network(lr)
            sr = output.sr[:, -1]
            measured = self._measures(sr, batch, size)
            if self.network.landmark is not None:
                measured["cells"] = float(landmark_error(output.heatmaps[:, -1], targets).mean())
            self.log_dict({f"val_{name}_{size}": value for name, value in measured.items()})
            share = measured["detail"]
            scores.append(min(share, 1 / share if share else 0.0) * measured["correlation"])
            columns += [Column(resize_bicubic(lr, batch.hr.shape[-1])), Column(sr)]
        self.log("val_score", sum(scores) / len(scores), prog_bar=True)
        return {"columns": [*columns, Column(batch.hr, targets)]}

    def _measures(self, sr: Tensor, batch: FaceBatch, size: int) -> dict[str, float]:
        """Measures of the last step by name."""
        made, real = to_pixels(sr), to_pixels(batch.hr)
        share, correlation, stitch = detail_scores(detail_energies(made, real, size))
        reduced = (resize_bicubic(sr.clamp(0, 1), size) - resize_bicubic(batch.hr, size)).abs().mean()
        measured = {
            "psnr": float(Y_CROP8.psnr(made, real).mean()),
            "detail": share,
            "correlation": correlation,
            "consistency": 255 * float(reduced),
        }
        if stitch is not None:
            measured["stitch"] = stitch
        if (recogniser := self._recogniser()) is not None:
            # Validation runs in the run's precision, the recogniser in float32.
            with torch.autocast(sr.device.type, enabled=False):
                one, other = (recogniser(to_pixels(self._of_face_px(images))) for images in (sr, batch.hr))
            measured["identity"] = float(np.sum(one * other, axis=1).mean())
        return measured

    def _of_face_px(self, image: Tensor) -> Tensor:
        return image if image.shape[-1] == FACE_PX else resize_bicubic(image, FACE_PX)

    def write_weights(self, path: Path, notes: Mapping[str, str]) -> None:
        """Write the weights with the network's configuration, as those of the faithful network are."""
        save_network(self.network, path, notes)
