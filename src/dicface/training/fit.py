"""A training run from config to weights."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple, cast

import lightning
import torch
from lightning.pytorch.callbacks import Callback, ModelCheckpoint, RichProgressBar
from lightning.pytorch.loggers import TensorBoardLogger
from lightning.pytorch.utilities.exceptions import SIGTERMException
from torch.utils.data import DataLoader, Dataset

from dicface.checkpoints import load_strictly, read_tensors
from dicface.config import TrainConfig, from_mapping, resolved
from dicface.data.batches import BatchStream, FaceBatch, FaceSampler, Share
from dicface.data.degradation import reduce_faces
from dicface.data.packs import FacePack, read_packs
from dicface.errors import ConfigError, PackError, TrainingError
from dicface.files import written_whole
from dicface.training.callbacks import AveragedWeights, PictureGrid, SaveWhenTold, StopOnNaN
from dicface.training.dic import DICTask
from dicface.training.dicgan import DICGANTask
from dicface.training.features import FeaturesTask
from dicface.training.landmark import HRLandmarkTask, LandmarkTask
from dicface.training.provenance import describe_start
from dicface.training.task import Task

NETWORK_TABLES = ("network", "hourglass", "features")
VALIDATION_BATCH = 50
VALIDATION_FACES = 200
# Likeness is measured over pairs, of which few faces make few.
VALIDATION_FACES_OF_PEOPLE = 500


class Machines(NamedTuple):
    """What a run computes on.

    Attributes:
        devices: processes on each machine, one accelerator each where there are any.
        nodes: machines.
    """

    devices: int = 1
    nodes: int = 1


ONE_PROCESS = Machines()


class _Batches(lightning.LightningDataModule):
    """Training batches from where the run stands, validation on nominal crops."""

    def __init__(self, train: FacePack, validation: FacePack | None, config: TrainConfig) -> None:
        super().__init__()
        self.train = train
        self.validation = validation
        self.config = config

    def train_dataloader(self) -> DataLoader[FaceBatch]:
        assert self.trainer is not None
        config = self.config
        sampler = FaceSampler(
            self.train,
            config.batch,
            config.augmentation,
            config.lr,
            config.run.seed,
            # The faces lie decoded where the training runs: 1.9 GB for 30,000.
            self.trainer.strategy.root_device,
            Share(self.trainer.global_rank, self.trainer.world_size),
        )
        return DataLoader(BatchStream(sampler, self.trainer.global_step, config.run.steps), batch_size=None)

    def val_dataloader(self) -> DataLoader[FaceBatch]:
        limit = VALIDATION_FACES_OF_PEOPLE if self.config.run.task == "features" else VALIDATION_FACES
        batches = [] if self.validation is None else _nominal_batches(self.validation, limit)
        # A list has all that a loader asks of a dataset.
        return DataLoader(cast("Dataset[FaceBatch]", batches), batch_size=None)


def _nominal_batches(pack: FacePack, limit: int) -> list[FaceBatch]:
    images, landmarks = pack.nominal()
    batches: list[FaceBatch] = []
    for first in range(0, min(len(images), limit), VALIDATION_BATCH):
        part = slice(first, first + VALIDATION_BATCH)
        hr = torch.from_numpy(images[part]).permute(0, 3, 1, 2).float() / 255
        identities = torch.from_numpy(pack.identities[part])
        batches.append(FaceBatch(hr, reduce_faces(hr, 16), torch.from_numpy(landmarks[part]), identities))
    return batches


def _build(config: TrainConfig, train: FacePack) -> Task[Any]:
    match config.run.task:
        case "landmark":
            return LandmarkTask(config)
        case "hr-landmark":
            return HRLandmarkTask(config)
        case "dic":
            return DICTask(config)
        case "dicgan":
            return DICGANTask(config)
        case "features":
            return FeaturesTask(config, people=int(train.identities.max()) + 1)


def _start(task: Task[Any], config: TrainConfig) -> None:
    """Give the task the trained weights that its config names."""
    run = config.run
    if run.network_weights:
        load_strictly(task.network, read_tensors(Path(run.network_weights))[0])
    if run.landmark_weights and isinstance(task, DICTask) and task.network.landmark is not None:
        load_strictly(task.network.landmark, read_tensors(Path(run.landmark_weights))[0])
    if run.features_weights and isinstance(task, DICGANTask):
        task.load_features(Path(run.features_weights))


def _write_json(path: Path, content: dict[str, Any]) -> None:
    with written_whole(path) as part:
        part.write_text(json.dumps(content, indent=2) + "\n")


def _check_same_network(config: TrainConfig, out: Path) -> None:
    saved = json.loads((out / "config.json").read_text())
    # A run begun before a setting existed has its default.
    before = from_mapping(TrainConfig, {table: saved[table] for table in NETWORK_TABLES if table in saved})
    for table in NETWORK_TABLES:
        wanted, got = getattr(before, table), getattr(config, table)
        if wanted != got:
            raise ConfigError(f"expected the network of the run to resume, {wanted}, got {got}")


def _callbacks(config: TrainConfig, averages: AveragedWeights, out: Path, validated: bool) -> list[Callback]:
    """`last.ckpt` for resuming and, where something is measured, `best.ckpt`; and what watches over the run."""
    every = config.run.validate_every
    last = ModelCheckpoint(out, filename="last", every_n_train_steps=every, enable_version_counter=False)
    best = ModelCheckpoint(out, filename="best", monitor="val_score", mode="max", enable_version_counter=False)
    watch = [StopOnNaN(), SaveWhenTold(out / "last.ckpt")]
    return [averages, *watch, PictureGrid(), last, *([best] if validated else []), RichProgressBar()]


def _trainer(config: TrainConfig, machines: Machines, out: Path, callbacks: list[Callback]) -> lightning.Trainer:
    return lightning.Trainer(
        max_steps=config.run.steps,
        precision=config.run.precision,
        devices=machines.devices,
        num_nodes=machines.nodes,
        strategy="auto" if machines == ONE_PROCESS else "ddp",
        # The sampler shares batches out itself; measurements are repeated by every process.
        use_distributed_sampler=False,
        sync_batchnorm=machines != ONE_PROCESS and torch.cuda.is_available(),
        val_check_interval=config.run.validate_every,
        check_val_every_n_epoch=None,
        num_sanity_val_steps=0,
        log_every_n_steps=20,
        logger=TensorBoardLogger(out, name="", version="log"),
        callbacks=callbacks,
    )


def _earlier_starts(out: Path, resume: bool) -> list[Any]:
    """What a resumed run wrote of itself before; one begun by an older version wrote nothing."""
    path = out / "run.json"
    return json.loads(path.read_text()).get("starts", []) if resume and path.exists() else []


def fit(
    config: TrainConfig,
    packs: Sequence[Path],
    validation: Path | None,
    out: Path,
    resume: bool = False,
    machines: Machines = ONE_PROCESS,
) -> Path:
    """Train as configured and write the averaged weights.

    Args:
        config: the whole run.
        packs: face packs, or folders of them, to learn from.
        validation: pack whose first 200 faces are measured on the way (500 by the `features` task); None measures
            nothing.
        out: folder for checkpoints, logs, the resolved config, what the run was made from, and the result.
        resume: go on from the last checkpoint in `out`.
        machines: how many processes share each batch. The result is the same but for rounding.

    Returns:
        `out/weights.safetensors`: the network that the task is for.

    Raises:
        ConfigError: `out` already holds a run and `resume` is not set, or the reverse; or settings that contradict.
        PackError: a pack cannot be read, or holds no known people for `features`.
        TrainingError: the loss was no longer a number, or the run was told to stop (SIGTERM) and saved itself.
    """
    last = out / "last.ckpt"
    if resume != last.exists():
        found = "holds no" if resume else "already holds a"
        raise ConfigError(
            f"{str(out)!r} {found} checkpoint; {'leave out' if resume else 'add'} --resume, or choose another --out"
        )
    if resume:
        _check_same_network(config, out)
    lightning.seed_everything(config.run.seed, verbose=False)
    train = read_packs(packs)
    if config.run.task == "features":
        train = train.identified()
        if not len(train):
            raise PackError(f"expected faces of known people, found none in {[str(path) for path in packs]}")
    task = _build(config, train)
    if not resume:
        _start(task, config)
    task.to(memory_format=torch.channels_last)
    if config.run.compile:
        task.network.compile()
    averages = AveragedWeights(config.optimiser.ema_decay)
    callbacks = _callbacks(config, averages, out, validated=validation is not None)
    trainer = _trainer(config, machines, out, callbacks)
    if trainer.is_global_zero:
        _write_json(out / "config.json", resolved(config))
        start = describe_start(sys.argv, packs, len(train), str(trainer.strategy.root_device))
        _write_json(out / "run.json", {"starts": [*_earlier_starts(out, resume), start]})
    batches = _Batches(train, read_packs([validation]) if validation else None, config)
    try:
        trainer.fit(task, batches, ckpt_path=last if resume else None, weights_only=True)
    except SIGTERMException as stop:
        raise TrainingError(f"told to stop at step {trainer.global_step}; --resume goes on from there") from stop
    # A run resumed at its last step does nothing, and this least of all.
    averages.on_train_end(trainer, task)
    weights = out / "weights.safetensors"
    if trainer.is_global_zero:
        task.write_weights(weights, {"config": json.dumps(resolved(config))})
    return weights
