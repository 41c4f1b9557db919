"""The task `image`, for networks that the caller of `fit` gives."""

from typing import Self

from torch import Tensor, nn

from dicface.data.batches import FaceBatch
from dicface.data.degradation import DegradationConfig
from dicface.data.packs import FacePack
from dicface.errors import ConfigError
from dicface.evaluation.protocols import Y_CROP8
from dicface.networks.resize import resize_bicubic, to_pixels
from dicface.training.config import ImageRun
from dicface.training.dic import psnr_db
from dicface.training.task import Column, Task


class ImageTask(Task[nn.Module, ImageRun]):
    """Trains any super-resolution network on the L1 error of its image.

    Args:
        config: config of the run.
        network: (N, 3, S, S) float RGB in [0, 1] to (N, 3, 128, 128) float, not limited to [0, 1].
    """

    config_type = ImageRun

    def __init__(self, config: ImageRun, network: nn.Module) -> None:
        super().__init__(config)
        self.network = network

    @classmethod
    def build(cls, config: ImageRun, train: FacePack) -> Self:
        """Refuse: a config alone does not say which network.

        Raises:
            ConfigError: always.
        """
        raise ConfigError(
            "expected a network from the caller of fit for run.task 'image'; the tasks of "
            "`dicface train` are landmark, hr-landmark, dic, dicgan, sharp, features and finder"
        )

    @property
    def degradation(self) -> DegradationConfig:
        """The config's degradation."""
        return self.config.degradation

    def loss(self, sr: Tensor, batch: FaceBatch) -> Tensor:
        """The loss that is minimised, a scalar; a subclass may override it.

        Args:
            sr: (N, 3, 128, 128) float RGB, not limited to [0, 1].
            batch: the faces.
        """
        return nn.functional.l1_loss(sr.float(), batch.hr)

    def training_step(self, batch: FaceBatch, index: int) -> Tensor:
        """Loss of one batch, a scalar."""
        sr = self.network(batch.lr)
        loss = self.loss(sr, batch)
        self.log("loss", loss)
        self.log("psnr", psnr_db(sr, batch.hr), prog_bar=True)
        return loss

    def validation_step(self, batch: FaceBatch, index: int) -> dict[str, list[Column]]:
        """Log `val_score`, the luma PSNR (`y-crop8`) in dB of inputs of 16 px."""
        sr = self.network(batch.lr).float()
        score = float(Y_CROP8.psnr(to_pixels(sr), to_pixels(batch.hr)).mean())
        self.log("val_score", score, prog_bar=True)
        enlarged = resize_bicubic(batch.lr, batch.hr.shape[-1])
        return {"columns": [Column(enlarged), Column(sr.clamp(0, 1)), Column(batch.hr)]}
