"""A training run from config to weights."""

import json
import sys
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import lightning
import torch
from lightning.pytorch.callbacks import Callback, TQDMProgressBar
from lightning.pytorch.loggers import TensorBoardLogger
from lightning.pytorch.utilities.exceptions import SIGTERMException

from dicface.data.batches import Degrade
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
from dicface.training.config import FinderRun, TrainConfig, resolved
from dicface.training.messages import no_advertisements
from dicface.training.provenance import describe_files, describe_start
from dicface.training.resuming import START, Origin, adopt, check_resumable, decay_config, read_origin
from dicface.training.task import Task
from dicface.training.tasks import build_task
from dicface.training.weights import find_weights


class Machines(NamedTuple):
    """Processes of a run.

    Attributes:
        devices: number of processes on each machine, with one accelerator each if there are any.
        nodes: number of machines.
    """

    devices: int = 1
    nodes: int = 1


ONE_PROCESS = Machines()


def _callbacks(
    config: TrainConfig, averages: AveragedWeights, score: LastScore, out: Path, *, validated: bool
) -> list[Callback]:
    """Callbacks of every run: `last.ckpt` for resuming, with validation also `best.ckpt`, and checks of the run."""
    last, every = out / "last.ckpt", config.run.validate_every
    watch: list[Callback] = [SaveAtTheEnd(last), averages, StopOnNaN(), SaveWhenTold(last), PictureGrid(), score]
    watch.append(KeepCheckpoints(out, config.run.keep_every))
    before = Checkpoint(out, "last", every_n_train_steps=every)
    best = Checkpoint(out, "best", monitor="val_score", mode="max")
    # Once more after a validation, so that it holds the best score so far.
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
        # The sampler divides batches among processes itself; every process validates on all faces.
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


@contextmanager
def _naming(paths: Sequence[Path]) -> Generator[None]:
    """Add the names of packs to errors about their faces."""
    try:
        yield
    except PackError as error:
        raise PackError(f"{error}, in {[str(path) for path in paths]}") from error


def _origin(
    config: TrainConfig, packs: list[dict[str, Any]], out: Path, *, resume: bool, decay_from: Path | None
) -> tuple[TrainConfig, Origin | None]:
    """The config, with the end of a decay if the run is one, and the state to continue from; None for a new run."""
    last, weights = out / "last.ckpt", out / "weights.safetensors"
    if resume and decay_from:
        raise ConfigError(
            f"expected one of resume and decay_from, got both; a decay that was stopped is resumed in {str(out)!r}"
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
    """Provenance of this start, with the step and the weights from which it starts."""
    if origin is None:
        started_from = [find_weights(name) for name in config.run.starts_from]
        if isinstance(config, FinderRun) and config.scenes.backgrounds:
            started_from.append(Path(config.scenes.backgrounds))
    else:
        started_from = [origin.checkpoint] if origin.checkpoint.name == START else []
    return describe_start(sys.argv, device, processes) | {
        "step": origin.step if origin else 0,
        "weights": describe_files(started_from),
    }


def _own_code(build: object, degrade: object, callbacks: Sequence[Callback]) -> list[str]:
    """Qualified names of the caller's own task, degradation and callbacks, for the provenance."""
    given = [*([] if build is build_task else [build]), *([] if degrade is None else [degrade])]
    # `OwnTask.build` is named after the task that it builds.
    owners = [getattr(one, "__self__", one) for one in given]
    named: list[Any] = [one if hasattr(one, "__qualname__") else type(one) for one in [*owners, *map(type, callbacks)]]
    return [f"{one.__module__}.{one.__qualname__}" for one in named]


def fit(
    config: TrainConfig,
    packs: Sequence[Path],
    validation: Path | None,
    out: Path,
    *,
    resume: bool = False,
    decay_from: Path | None = None,
    machines: Machines = ONE_PROCESS,
    build: Callable[[Any, FacePack], Task[Any, Any]] = build_task,
    degrade: Degrade | None = None,
    callbacks: Sequence[Callback] = (),
) -> Path:
    """Train a network and write its averaged weights.

    Args:
        config: config of the run.
        packs: face packs, or folders of packs, to learn from.
        validation: face pack for validation, of which the first `Task.validation_faces` are used; None does not
            validate.
        out: folder for checkpoints, logs, the resolved config, the provenance and the weights.
        resume: continue from the last checkpoint in `out`.
        decay_from: checkpoint of another run's constant part, in that run's folder. The new run continues from its
            whole state and decays the learning rate linearly to zero over `optimiser.decay_steps` steps; 0 is a fifth
            of all steps. `run.steps` of the config is ignored. The other run is not changed (ADR 28).
        machines: number of processes that share each batch. Results are equal up to rounding (ADR 13 has the one
            exception).
        build: creates the task from the config and the training faces, for a network or loss of one's own. A resumed
            run needs the same.
        degrade: makes low-resolution training faces instead of the config's [degradation], which still decides their
            side. Validation keeps the paper's reduction.
        callbacks: further callbacks of Lightning, called after those of every run.

    Returns:
        Path of the weights, `out/weights.safetensors`.

    Raises:
        ConfigError: `out` already holds a run and `resume` is not set, or the reverse; a run continued with another
            task, seed, network, batch or other packs, or from outside the constant part; contradictory settings.
        CheckpointError: the checkpoint to continue from cannot be read.
        PackError: a pack cannot be read, or holds no faces that the task can learn from.
        TrainingError: a loss or weight was not finite; or the run received SIGTERM, after which it can be resumed.
    """
    data = describe_files(pack_files(packs))
    config, origin = _origin(config, data, out, resume=resume, decay_from=decay_from)
    for name in config.run.starts_from if origin is None else []:
        find_weights(name)  # a missing file is named before faces are decoded
    lightning.seed_everything(config.run.seed, verbose=False)
    # Scenes show small faces, so that packs of several sizes fit together.
    nominal_px = FACE_PX if isinstance(config, FinderRun) else None
    train, measured = read_packs(packs, nominal_px), read_packs([validation], nominal_px) if validation else None
    with _naming(packs):
        task = build(config, train)
        train = task.usable_faces(train)
    if measured and validation:
        with _naming([validation]):
            measured = task.usable_faces(measured)
    if origin is None:
        task.start()
    task.to(memory_format=torch.channels_last)
    if config.run.compile:
        task.compile_network()
    averages, score = AveragedWeights(config.optimiser.ema_decay), LastScore()
    with no_advertisements():
        watch = [*_callbacks(config, averages, score, out, validated=validation is not None), *callbacks]
        trainer = _trainer(config, machines, out, watch)
        if trainer.is_global_zero:
            start = _described(config, origin, trainer.strategy.root_device, trainer.world_size) | {
                "data": data,
                "faces": len(train),
                "validation": describe_files([validation] if validation else []),
                "own_code": _own_code(build, degrade, callbacks),
            }
            write_json(out / "config.json", resolved(config))
            write_json(out / "run.json", {"starts": [*(origin.starts if origin else []), start]})
        try:
            checkpoint = origin.checkpoint if origin else None
            batches = task.batches(train, measured, degrade)
            trainer.fit(task, batches, ckpt_path=checkpoint, weights_only=True)
        except SIGTERMException as stop:
            raise TrainingError(f"told to stop at step {trainer.global_step}; `resume` goes on from there") from stop
    # Lightning skips `on_train_end` where no step is left; swap the averaged weights in by hand.
    averages.on_train_end(trainer, task)
    weights = out / "weights.safetensors"
    if trainer.is_global_zero:
        task.write_weights(weights, {"config": json.dumps(resolved(config)), **score.note})
    return weights
