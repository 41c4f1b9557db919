"""Batches of face crops for the tasks that learn from them."""

import sys
from typing import NamedTuple, cast

import lightning
from torch.utils.data import DataLoader, Dataset

from dicface.data.batches import BatchStream, Degrade, Drawn, FaceBatch, FaceSampler, Share, nominal_batches
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


def training_loader(stream: BatchStream[Drawn], trainer: lightning.Trainer, workers: int) -> DataLoader[Drawn]:
    """Load the batches of a stream in order.

    Args:
        stream: the batches.
        trainer: of the run.
        workers: processes that draw them, a few batches ahead; 0 draws them in the training process, one at a time.
    """
    if not workers:
        return DataLoader(stream, batch_size=None)
    return DataLoader(
        stream,
        batch_size=None,
        num_workers=workers,
        pin_memory=trainer.strategy.root_device.type == "cuda",
        # Forked processes share the faces; others would each get a copy.
        multiprocessing_context="fork" if sys.platform == "linux" else None,
    )


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
            # The faces lie decoded where their batches are drawn: 1.9 GB for 30,000 of 144 px.
            None if config.run.workers else self.trainer.strategy.root_device,
            Share(self.trainer.global_rank, self.trainer.world_size),
            self.crops.face_px,
            degrade=self.crops.degrade,
        )
        stream = BatchStream(sampler, self.trainer.global_step, config.run.steps)
        return training_loader(stream, self.trainer, config.run.workers)

    def val_dataloader(self) -> DataLoader[FaceBatch]:
        faces = self.crops.validation_faces
        batches = [] if self.validation is None else nominal_batches(self.validation, faces)
        # A list has all that a loader asks of a dataset.
        return DataLoader(cast("Dataset[FaceBatch]", batches), batch_size=None)
