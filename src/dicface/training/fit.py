"""A training run from config to weights."""

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from typing import cast

import lightning
import torch
from lightning.pytorch.callbacks import ModelCheckpoint, RichProgressBar
from lightning.pytorch.loggers import TensorBoardLogger
from torch.utils.data import DataLoader, Dataset

from dicface.checkpoints import load_strictly, read_tensors, save_network, write_tensors
from dicface.config import TrainConfig
from dicface.data.batches import BatchStream, FaceBatch, FaceSampler, reduce_faces
from dicface.data.packs import FacePack, read_packs
from dicface.errors import ConfigError
from dicface.files import written_whole
from dicface.training.callbacks import AveragedWeights
from dicface.training.modules import DICTask, LandmarkTask

VALIDATION_BATCH = 50
VALIDATION_FACES = 200


class _Batches(lightning.LightningDataModule):
    """Training batches from where the run stands, validation on nominal crops."""

    def __init__(self, train: FacePack, validation: FacePack | None, config: TrainConfig) -> None:
        super().__init__()
        self.train = train
        self.validation = validation
        self.config = config

    def train_dataloader(self) -> DataLoader[FaceBatch]:
        assert self.trainer is not None
        # The faces lie decoded where the training runs: 1.9 GB for 30,000.
        device = self.trainer.strategy.root_device
        sampler = FaceSampler(self.train, self.config.batch, self.config.run.seed, device)
        return DataLoader(BatchStream(sampler, self.trainer.global_step, self.config.run.steps), batch_size=None)

    def val_dataloader(self) -> DataLoader[FaceBatch]:
        batches = [] if self.validation is None else _nominal_batches(self.validation)
        # A list has all that a loader asks of a dataset.
        return DataLoader(cast("Dataset[FaceBatch]", batches), batch_size=None)


def _nominal_batches(pack: FacePack) -> list[FaceBatch]:
    images, landmarks = pack.nominal()
    batches: list[FaceBatch] = []
    for first in range(0, min(len(images), VALIDATION_FACES), VALIDATION_BATCH):
        part = slice(first, first + VALIDATION_BATCH)
        hr = torch.from_numpy(images[part]).permute(0, 3, 1, 2).float() / 255
        batches.append(FaceBatch(hr, reduce_faces(hr, 16), torch.from_numpy(landmarks[part])))
    return batches


def _start(task: DICTask, weights: Path) -> None:
    """Give the landmark branch its pretrained weights."""
    load_strictly(task.network.landmark, read_tensors(weights)[0])


def _save_config(config: TrainConfig, out: Path, resume: bool) -> None:
    """Write the resolved config beside the checkpoints; a resumed run must keep its network."""
    resolved = json.loads(json.dumps(dataclasses.asdict(config)))
    path = out / "config.json"
    if resume:
        before = json.loads(path.read_text())["network"]
        if before != resolved["network"]:
            raise ConfigError(f"expected the network of the run to resume, {before}, got {resolved['network']}")
    with written_whole(path) as part:
        part.write_text(json.dumps(resolved, indent=2) + "\n")


def _checkpoints(out: Path, every: int, validated: bool) -> list[ModelCheckpoint]:
    """`last.ckpt` for resuming and, where something is measured, `best.ckpt`."""
    last = ModelCheckpoint(out, filename="last", every_n_train_steps=every, enable_version_counter=False)
    best = ModelCheckpoint(out, filename="best", monitor="val_score", mode="max", enable_version_counter=False)
    return [last, best] if validated else [last]


def fit(config: TrainConfig, packs: Sequence[Path], validation: Path | None, out: Path, resume: bool = False) -> Path:
    """Train as configured and write the averaged weights.

    Args:
        config: the whole run.
        packs: face packs, or folders of them, to learn from.
        validation: pack whose first 200 faces are measured on the way; None measures nothing.
        out: folder for checkpoints, logs, the resolved config and the result.
        resume: go on from the last checkpoint in `out`.

    Returns:
        `out/weights.safetensors`: the network, or the landmark branch alone after the `landmark` task.

    Raises:
        ConfigError: `out` already holds a run and `resume` is not set, or the reverse.
        PackError: a pack cannot be read.
    """
    last = out / "last.ckpt"
    if resume != last.exists():
        found = "holds no" if resume else "already holds a"
        raise ConfigError(
            f"{str(out)!r} {found} checkpoint; {'leave out' if resume else 'add'} --resume, or choose another --out"
        )
    _save_config(config, out, resume)
    lightning.seed_everything(config.run.seed, verbose=False)
    batches = _Batches(read_packs(packs), read_packs([validation]) if validation else None, config)
    task = DICTask(config) if config.run.task == "dic" else LandmarkTask(config)
    if isinstance(task, DICTask) and config.run.landmark_weights and not resume:
        _start(task, Path(config.run.landmark_weights))
    task.to(memory_format=torch.channels_last)
    trainer = lightning.Trainer(
        max_steps=config.run.steps,
        precision=config.run.precision,
        val_check_interval=config.run.validate_every,
        check_val_every_n_epoch=None,
        num_sanity_val_steps=0,
        log_every_n_steps=20,
        logger=TensorBoardLogger(out, name="", version="log"),
        callbacks=[
            AveragedWeights(config.optimiser.ema_decay),
            *_checkpoints(out, config.run.validate_every, validated=validation is not None),
            RichProgressBar(),
        ],
    )
    trainer.fit(task, batches, ckpt_path=last if resume else None, weights_only=True)
    return write_result(task, out / "weights.safetensors", config)


def write_result(task: DICTask | LandmarkTask, path: Path, config: TrainConfig) -> Path:
    """Write what a task has learned.

    Args:
        task: whose current weights are the ones to ship.
        path: the safetensors file.
        config: stored beside the weights.
    """
    notes: dict[str, str] = {"config": json.dumps(dataclasses.asdict(config))}
    if isinstance(task, DICTask):
        save_network(task.network, path, notes)
    else:
        write_tensors(task.branch.state_dict(), path, notes)
    return path
