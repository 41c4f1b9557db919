"""Batches of face crops for the tasks that learn from them."""

from typing import NamedTuple, cast

import lightning
from torch.utils.data import DataLoader, Dataset

from dicface.data.batches import BatchStream, Degrade, FaceBatch, FaceSampler, Share, nominal_batches
from dicface.data.degradation import DegradationConfig
from dicface.data.packs import FacePack
from dicface.training.config import FaceRun


class Crops(NamedTuple):
    """Settings of face crops that a task adds to its config.

    Attributes:
        degradation: how training faces are reduced.
        degrade: reduces them instead; None for the degradation.
        face_px: side of the training faces in pixels.
        validation_faces: number of faces of the validation pack that are measured.
    """

    degradation: DegradationConfig
    degrade: Degrade | None
    face_px: int
    validation_faces: int


class FaceBatches(lightning.LightningDataModule):
    """Training batches from where the run stands, validation on nominal crops.

    Args:
        train: faces to learn from.
        validation: faces to measure on; None for none.
        config: of the whole run.
        crops: what the task wants.
    """

    def __init__(self, train: FacePack, validation: FacePack | None, config: FaceRun, crops: Crops) -> None:
        super().__init__()
        self.train = train
        self.validation = validation
        self.config = config
        self.crops = crops

    def train_dataloader(self) -> DataLoader[FaceBatch]:
        assert self.trainer is not None
        config = self.config
        sampler = FaceSampler(
            self.train,
            config.batch,
            config.augmentation,
            self.crops.degradation,
            config.run.seed,
            # The faces lie decoded where the training runs: 1.9 GB for 30,000 of 144 px.
            self.trainer.strategy.root_device,
            Share(self.trainer.global_rank, self.trainer.world_size),
            self.crops.face_px,
            degrade=self.crops.degrade,
        )
        return DataLoader(BatchStream(sampler, self.trainer.global_step, config.run.steps), batch_size=None)

    def val_dataloader(self) -> DataLoader[FaceBatch]:
        faces = self.crops.validation_faces
        batches = [] if self.validation is None else nominal_batches(self.validation, faces)
        # A list has all that a loader asks of a dataset.
        return DataLoader(cast("Dataset[FaceBatch]", batches), batch_size=None)
