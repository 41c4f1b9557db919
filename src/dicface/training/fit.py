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
from dicface.errors import ConfigError, PackError, TrainingError
from dicface.files import write_json
from dicface.images.pixels import FACE_PX
from dicface.training.callbacks import (
    STEPS_BETWEEN_LOOKS,
    AveragedWeights,
    Checkpoint,
    KeepCheckpoints,
    LastScore,
    PictureGrid,
    SaveAtTheEnd,
    SaveWhenTold,
    StopOnNaN,
    WholeFiles,
)
from dicface.training.config import TrainConfig, resolved
from dicface.training.dic import DICTask
from dicface.training.dicgan import DICGANTask
from dicface.training.features import FeaturesTask
from dicface.training.finder import FinderTask
from dicface.training.landmarks import HRLandmarkTask, LandmarkTask
from dicface.training.messages import no_advertisements
from dicface.training.provenance import describe_files, describe_start
from dicface.training.resuming import START, Origin, adopt, check_resumable, decay_config, read_origin
from dicface.training.scenes import SceneBatches
from dicface.training.task import Task

VALIDATION_FACES = 200
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
            config.degradation,
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


def _callbacks(
    config: TrainConfig, averages: AveragedWeights, score: LastScore, out: Path, validated: bool
) -> list[Callback]:
    """`last.ckpt` for resuming and, where something is measured, `best.ckpt`; and what watches over the run."""
    last, every = out / "last.ckpt", config.run.validate_every
    watch: list[Callback] = [SaveAtTheEnd(last), averages, StopOnNaN(), SaveWhenTold(last), PictureGrid(), score]
    watch.append(KeepCheckpoints(out, config.run.keep_every))
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


def _people(pack: FacePack, paths: Sequence[Path]) -> FacePack:
    """The faces whose person is known."""
    known = pack.identified()
    if len(known) < 2 or len(set(known.identities)) in (1, len(known)):
        raise PackError(
            f"expected two people and two faces of one of them, got {len(known)} faces of "
            f"{len(set(known.identities))} known people in {[str(path) for path in paths]}"
        )
    return known


def _origin(
    config: TrainConfig, packs: list[dict[str, Any]], out: Path, resume: bool, decay_from: Path | None
) -> tuple[TrainConfig, Origin | None]:
    """What the run goes on from, None for a new one, and its config, to which a fall adds where it ends."""
    last, weights = out / "last.ckpt", out / "weights.safetensors"
    if resume and decay_from:
        raise ConfigError(
            f"expected one of resume and decay_from, got both; a fall that was stopped is resumed in {str(out)!r}"
        )
    if resume and not last.exists():
        raise ConfigError(f"{str(out)!r} holds no checkpoint; leave out `resume`, or choose another `out`")
    if not resume and (last.exists() or weights.exists()):
        raise ConfigError(f"{str(out)!r} already holds a run; add `resume`, or choose another `out`")
    if not (resume or decay_from):
        return config, None
    origin = read_origin(decay_from or last)
    if decay_from:
        config = decay_config(config, origin)
    check_resumable(config, origin, packs)
    return config, adopt(origin, out) if decay_from else origin


def _described(config: TrainConfig, origin: Origin | None, device: torch.device, processes: int) -> dict[str, Any]:
    """What this start was made with, and from which step and weights."""
    run = config.run
    named = (run.network_weights, run.landmark_weights, run.features_weights, config.scenes.backgrounds)
    started_from = [Path(weights) for weights in named if weights]
    if origin is not None:
        started_from = [origin.checkpoint] if origin.checkpoint.name == START else []
    return describe_start(sys.argv, device, processes) | {
        "step": origin.step if origin else 0,
        "weights": describe_files(started_from),
    }


def fit(
    config: TrainConfig,
    packs: Sequence[Path],
    validation: Path | None,
    out: Path,
    *,
    resume: bool = False,
    decay_from: Path | None = None,
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
        decay_from: checkpoint of another run's constant part, in that run's folder. The new run goes on from its whole
            state and takes the learning rate linearly to zero over `optimiser.decay_steps` steps; 0 is a fifth of all
            steps. `run.steps` of the config does not count. The other run stays as it is (ADR 28).
        machines: how many processes share each batch. The result is the same but for rounding (ADR 0013 has the one
            exception).
        build: makes the task of the config and the faces; for tasks of one's own.

    Returns:
        `out/weights.safetensors`: the network that the task is for.

    Raises:
        ConfigError: `out` already holds a run and `resume` is not set, or the reverse; a run that goes on with another
            task, seed, network, batch or other packs, or from outside the constant part; settings that contradict.
        CheckpointError: the checkpoint to go on from cannot be read.
        PackError: a pack cannot be read, or holds no known people for `features`.
        TrainingError: the loss was no longer a number, or the run was told to stop (SIGTERM) and saved itself.
    """
    data = describe_files(pack_files(packs))
    config, origin = _origin(config, data, out, resume, decay_from)
    lightning.seed_everything(config.run.seed, verbose=False)
    # Packs of several sizes fit together where faces are small.
    nominal_px = FACE_PX if config.run.task == "finder" else None
    train, measured = read_packs(packs, nominal_px), read_packs([validation], nominal_px) if validation else None
    if config.run.task == "features":
        train = _people(train, packs)
        measured = _people(measured, [validation]) if measured and validation else None
    task = build(config, train)
    if origin is None:
        _start(task, config)
    task.to(memory_format=torch.channels_last)
    if config.run.compile:
        task.network.compile()
    averages, score = AveragedWeights(config.optimiser.ema_decay), LastScore()
    with no_advertisements():
        trainer = _trainer(
            config, machines, out, _callbacks(config, averages, score, out, validated=validation is not None)
        )
        if trainer.is_global_zero:
            start = _described(config, origin, trainer.strategy.root_device, trainer.world_size) | {
                "data": data,
                "faces": len(train),
                "validation": describe_files([validation] if validation else []),
            }
            write_json(out / "config.json", resolved(config))
            write_json(out / "run.json", {"starts": [*(origin.starts if origin else []), start]})
        try:
            checkpoint = origin.checkpoint if origin else None
            batches = (SceneBatches if config.run.task == "finder" else _Batches)(train, measured, config)
            trainer.fit(task, batches, ckpt_path=checkpoint, weights_only=True)
        except SIGTERMException as stop:
            raise TrainingError(f"told to stop at step {trainer.global_step}; `resume` goes on from there") from stop
    # A run resumed at its last step does nothing, and this least of all.
    averages.on_train_end(trainer, task)
    weights = out / "weights.safetensors"
    if trainer.is_global_zero:
        task.write_weights(weights, {"config": json.dumps(resolved(config)), **score.note})
    return weights
