"""The task for a network that the caller brings: it learns the image alone."""

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
    """Trains any network that super-resolves, by the L1 of its image.

    Args:
        config: of the whole run.
        network: (N, 3, S, S) float RGB in [0, 1] to (N, 3, 128, 128) float, not limited to [0, 1].
    """

    config_type = ImageRun

    def __init__(self, config: ImageRun, network: nn.Module) -> None:
        super().__init__(config)
        self.network = network

    @classmethod
    def build(cls, config: ImageRun, train: FacePack) -> Self:
        """Not possible from a config alone.

        Raises:
            ConfigError: always.
        """
        raise ConfigError(
            "expected a caller of fit that brings the network of run.task 'image'; the tasks of "
            "`dicface train` are landmark, hr-landmark, dic, dicgan, features and finder"
        )

    @property
    def degradation(self) -> DegradationConfig:
        """As configured."""
        return self.config.degradation

    def loss(self, sr: Tensor, batch: FaceBatch) -> Tensor:
        """What is minimised; a subclass may minimise something else."""
        return nn.functional.l1_loss(sr.float(), batch.hr)

    def training_step(self, batch: FaceBatch, index: int) -> Tensor:
        """Loss of one batch."""
        sr = self.network(batch.lr)
        loss = self.loss(sr, batch)
        self.log("loss", loss)
        self.log("psnr", psnr_db(sr, batch.hr), prog_bar=True)
        return loss

    def validation_step(self, batch: FaceBatch, index: int) -> dict[str, list[Column]]:
        """Luma PSNR (`y-crop8`) at 16 px."""
        sr = self.network(batch.lr).float()
        score = float(Y_CROP8.psnr(to_pixels(sr), to_pixels(batch.hr)).mean())
        self.log("val_score", score, prog_bar=True)
        enlarged = resize_bicubic(batch.lr, batch.hr.shape[-1])
        return {"columns": [Column(enlarged), Column(sr.clamp(0, 1)), Column(batch.hr)]}
