"""Scenes for the task that learns to find faces."""

from pathlib import Path
from typing import cast

import lightning
from torch.utils.data import DataLoader, Dataset

from dicface.data.batches import BatchStream, Share
from dicface.data.packs import FacePack
from dicface.data.scenes.backgrounds import read_backgrounds
from dicface.data.scenes.labels import Scenes
from dicface.data.scenes.sampler import SceneSampler
from dicface.training.batches import training_loader
from dicface.training.config import FinderRun

VALIDATION_SCENES = 8, 20
"""Batches of scenes that the finder is measured on, and scenes in each."""


class SceneBatches(lightning.LightningDataModule):
    """Training scenes from where the run stands, and the same scenes for every validation."""

    def __init__(self, train: FacePack, validation: FacePack | None, config: FinderRun) -> None:
        super().__init__()
        self.train = train
        self.validation = validation
        self.config = config
        self.backgrounds = read_backgrounds(Path(config.scenes.backgrounds)) if config.scenes.backgrounds else []

    def train_dataloader(self) -> DataLoader[Scenes]:
        assert self.trainer is not None
        run, share = self.config.run, Share(self.trainer.global_rank, self.trainer.world_size)
        size, scenes = self.config.batch.size, self.config.scenes
        sampler = SceneSampler(self.train, self.backgrounds, scenes, run.seed, size, share)
        return training_loader(BatchStream(sampler, self.trainer.global_step, run.steps), self.trainer, run.workers)

    def val_dataloader(self) -> DataLoader[Scenes]:
        scenes: list[Scenes] = []
        if self.validation is not None:
            batches, size = VALIDATION_SCENES
            sampler = SceneSampler(self.validation, self.backgrounds, self.config.scenes, 0, size)
            scenes = [sampler.validation(batch) for batch in range(batches)]
        return DataLoader(cast("Dataset[Scenes]", scenes), batch_size=None)
