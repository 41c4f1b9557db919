"""A training run from config to weights."""

import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple, cast

import lightning
import torch
from lightning.pytorch.callbacks import Callback, TQDMProgressBar
from lightning.pytorch.loggers import TensorBoardLogger
from lightning.pytorch.utilities.exceptions import SIGTERMException
from torch.utils.data import DataLoader, Dataset

from dicface.checkpoints.networks import load_strictly, read_tensors
from dicface.data.batches import BatchStream, FaceBatch, FaceSampler, Share, nominal_batches
from dicface.data.packs import FacePack, pack_files, read_packs
from dicface.data.scenes.backgrounds import read_backgrounds
from dicface.data.scenes.labels import Scenes
from dicface.data.scenes.sampler import SceneSampler, SceneStream
from dicface.errors import ConfigError, PackError, TrainingError
from dicface.files import write_json
from dicface.images.pixels import FACE_PX
from dicface.training.callbacks import (
    STEPS_BETWEEN_LOOKS,
    AveragedWeights,
    Checkpoint,
    LastScore,
    PictureGrid,
    SaveAtTheEnd,
    SaveWhenTold,
    StopOnNaN,
    WholeFiles,
)
from dicface.training.config import TABLES, TrainConfig, from_mapping, resolved
from dicface.training.dic import DICTask
from dicface.training.dicgan import DICGANTask
from dicface.training.features import FeaturesTask
from dicface.training.finder import FinderTask
from dicface.training.landmarks import HRLandmarkTask, LandmarkTask
from dicface.training.provenance import describe_files, describe_start
from dicface.training.task import Task

FIXED_TABLES = ("network", "hourglass", "features", "finder", "scenes", "batch")
VALIDATION_FACES = 200
VALIDATION_SCENES = 8, 20
"""Batches of scenes that the finder is measured on, and scenes in each."""
# Likeness is measured over pairs, of which few faces make few.
VALIDATION_FACES_OF_PEOPLE = 500
FACES_OF_SCALE = 50
"""On which the magnitude of finished features is measured."""


class Machines(NamedTuple):
    """What a run computes on.

    Attributes:
        devices: processes on each machine, one accelerator each where there are any.
        nodes: machines.
    """

    devices: int = 1
    nodes: int = 1


ONE_PROCESS = Machines()


class _SceneBatches(lightning.LightningDataModule):
    """Training scenes from where the run stands, and the same scenes for every validation."""

    def __init__(self, train: FacePack, validation: FacePack | None, config: TrainConfig) -> None:
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
        return DataLoader(SceneStream(sampler, self.trainer.global_step, run.steps), batch_size=None)

    def val_dataloader(self) -> DataLoader[Scenes]:
        scenes: list[Scenes] = []
        if self.validation is not None:
            batches, size = VALIDATION_SCENES
            sampler = SceneSampler(self.validation, self.backgrounds, self.config.scenes, 0, size)
            scenes = [sampler.validation(batch) for batch in range(batches)]
        return DataLoader(cast("Dataset[Scenes]", scenes), batch_size=None)


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
            # The faces lie decoded where the training runs: 1.9 GB for 30,000 of 144 px.
            self.trainer.strategy.root_device,
            Share(self.trainer.global_rank, self.trainer.world_size),
        )
        return DataLoader(BatchStream(sampler, self.trainer.global_step, config.run.steps), batch_size=None)

    def val_dataloader(self) -> DataLoader[FaceBatch]:
        limit = VALIDATION_FACES_OF_PEOPLE if self.config.run.task == "features" else VALIDATION_FACES
        batches = [] if self.validation is None else nominal_batches(self.validation, limit)
        # A list has all that a loader asks of a dataset.
        return DataLoader(cast("Dataset[FaceBatch]", batches), batch_size=None)


def build_task(config: TrainConfig, train: FacePack) -> Task[Any]:
    """The task that a config names, untrained.

    Args:
        config: the whole run.
        train: the faces it will learn from.

    Raises:
        ConfigError: the task is one that has no network of ours.
    """
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
            faces = nominal_batches(train, FACES_OF_SCALE)[0].hr
            return FeaturesTask(config, people=int(train.identities.max()) + 1, faces=faces)
        case "finder":
            return FinderTask(config)
        case "image":
            raise ConfigError(
                "expected a caller of fit that brings the network of run.task 'image'; the tasks of `dicface train` "
                "are landmark, hr-landmark, dic, dicgan, features and finder"
            )


def _start(task: Task[Any], config: TrainConfig) -> None:
    """Give the task the trained weights that its config names."""
    run = config.run
    if run.network_weights:
        load_strictly(task.network, read_tensors(Path(run.network_weights))[0])
    if run.landmark_weights and isinstance(task, DICTask) and task.network.landmark is not None:
        load_strictly(task.network.landmark, read_tensors(Path(run.landmark_weights))[0])
    if run.features_weights and isinstance(task, DICGANTask):
        task.load_features(Path(run.features_weights))


def _check_resumable(config: TrainConfig, starts: list[dict[str, Any]], packs: list[dict[str, Any]], out: Path) -> None:
    """What decides which faces a step sees, and what learns from them, may not change within a run."""
    try:
        saved = json.loads((out / "config.json").read_text())
        # A run begun before a setting existed has its default.
        before = from_mapping(TrainConfig, {table: saved[table] for table in FIXED_TABLES if table in saved})
        task, seed = saved["run"]["task"], saved["run"]["seed"]
    except (OSError, ValueError, KeyError, TypeError, ConfigError) as error:
        raise ConfigError(f"expected the run's config.json beside its checkpoint in {str(out)!r}: {error}") from error
    if (task, seed) != (config.run.task, config.run.seed):
        got = config.run.task, config.run.seed
        raise ConfigError(f"expected run.task and run.seed of the run to resume, {(task, seed)}, got {got}")
    for table in (name for name in FIXED_TABLES if name in TABLES[task]):
        wanted, got = getattr(before, table), getattr(config, table)
        if wanted != got:
            raise ConfigError(f"expected [{table}] of the run to resume, {wanted}, got {got}")
    if starts and starts[-1]["data"] != packs:
        wanted, got = ([pack["file"] for pack in data] for data in (starts[-1]["data"], packs))
        raise ConfigError(
            f"expected the packs of the run to resume, {wanted}, got {got} or other contents; start a new run from "
            "run.network_weights to learn from other faces"
        )


def _callbacks(
    config: TrainConfig, averages: AveragedWeights, score: LastScore, out: Path, validated: bool
) -> list[Callback]:
    """`last.ckpt` for resuming and, where something is measured, `best.ckpt`; and what watches over the run."""
    last, every = out / "last.ckpt", config.run.validate_every
    watch = [SaveAtTheEnd(last), averages, StopOnNaN(), SaveWhenTold(last), PictureGrid(), score]
    before = Checkpoint(out, "last", every_n_train_steps=every)
    best = Checkpoint(out, "best", monitor="val_score", mode="max")
    # Once more after a measurement, so that it knows of the best one so far.
    after = Checkpoint(out, "last", every_n_epochs=1)
    bar = TQDMProgressBar(refresh_rate=STEPS_BETWEEN_LOOKS)
    return [*watch, before, *([best, after] if validated else []), bar]


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
        plugins=[WholeFiles()],
    )


def _earlier_starts(out: Path) -> list[dict[str, Any]]:
    """What a resumed run wrote of itself before; one begun by an older version wrote nothing."""
    path = out / "run.json"
    try:
        return json.loads(path.read_text())["starts"] if path.exists() else []
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigError(f"expected what the run to resume was made from, could not read {str(path)!r}") from error


def _people(pack: FacePack, paths: Sequence[Path]) -> FacePack:
    """The faces whose person is known."""
    known = pack.identified()
    if len(known) < 2 or len(set(known.identities)) in (1, len(known)):
        raise PackError(
            f"expected two people and two faces of one of them, got {len(known)} faces of "
            f"{len(set(known.identities))} known people in {[str(path) for path in paths]}"
        )
    return known


def fit(
    config: TrainConfig,
    packs: Sequence[Path],
    validation: Path | None,
    out: Path,
    resume: bool = False,
    machines: Machines = ONE_PROCESS,
    build: Callable[[TrainConfig, FacePack], Task[Any]] = build_task,
) -> Path:
    """Train as configured and write the averaged weights.

    Args:
        config: the whole run.
        packs: face packs, or folders of them, to learn from.
        validation: pack whose first 200 faces are measured on the way (500 by the `features` task); None measures
            nothing.
        out: folder for checkpoints, logs, the resolved config, what the run was made from, and the result.
        resume: go on from the last checkpoint in `out`.
        machines: how many processes share each batch. The result is the same but for rounding (ADR 0013 has the one
            exception).
        build: makes the task of the config and the faces; for tasks of one's own.

    Returns:
        `out/weights.safetensors`: the network that the task is for.

    Raises:
        ConfigError: `out` already holds a run and `resume` is not set, or the reverse; a resumed run with another task,
            seed, network, batch or other packs; settings that contradict.
        PackError: a pack cannot be read, or holds no known people for `features`.
        TrainingError: the loss was no longer a number, or the run was told to stop (SIGTERM) and saved itself.
    """
    last, weights = out / "last.ckpt", out / "weights.safetensors"
    if resume and not last.exists():
        raise ConfigError(f"{str(out)!r} holds no checkpoint; leave out `resume`, or choose another `out`")
    if not resume and (last.exists() or weights.exists()):
        raise ConfigError(f"{str(out)!r} already holds a run; add `resume`, or choose another `out`")
    starts, data = _earlier_starts(out) if resume else [], describe_files(pack_files(packs))
    if resume:
        _check_resumable(config, starts, data, out)
    lightning.seed_everything(config.run.seed, verbose=False)
    # Packs of several sizes fit together where faces are small.
    nominal_px = FACE_PX if config.run.task == "finder" else None
    train, measured = read_packs(packs, nominal_px), read_packs([validation], nominal_px) if validation else None
    if config.run.task == "features":
        train = _people(train, packs)
        measured = _people(measured, [validation]) if measured and validation else None
    task = build(config, train)
    if not resume:
        _start(task, config)
    task.to(memory_format=torch.channels_last)
    if config.run.compile:
        task.network.compile()
    averages, score = AveragedWeights(config.optimiser.ema_decay), LastScore()
    trainer = _trainer(
        config, machines, out, _callbacks(config, averages, score, out, validated=validation is not None)
    )
    if trainer.is_global_zero:
        run = config.run
        named = (run.network_weights, run.landmark_weights, run.features_weights, config.scenes.backgrounds)
        started_from = [] if resume else [Path(weights) for weights in named if weights]
        start = describe_start(sys.argv, trainer.strategy.root_device, trainer.world_size) | {
            "data": data,
            "faces": len(train),
            "validation": describe_files([validation] if validation else []),
            "weights": describe_files(started_from),
        }
        write_json(out / "config.json", resolved(config))
        write_json(out / "run.json", {"starts": [*starts, start]})
    batches = (_SceneBatches if config.run.task == "finder" else _Batches)(train, measured, config)
    try:
        trainer.fit(task, batches, ckpt_path=last if resume else None, weights_only=True)
    except SIGTERMException as stop:
        raise TrainingError(f"told to stop at step {trainer.global_step}; `resume` goes on from there") from stop
    # A run resumed at its last step does nothing, and this least of all.
    averages.on_train_end(trainer, task)
    if trainer.is_global_zero:
        task.write_weights(weights, {"config": json.dumps(resolved(config)), **score.note})
    return weights
