"""How many faces a second training sees: our step against the plain one, in one run.

    python -m experiments.training --data PACK [--config CONFIG.toml] [--steps 1] [--batch 16]

Both train the same network by the same loss on faces of 16 px, in batches of the same size.

- plain: float32, eager, contiguous tensors, Adam one parameter after the other, and a data loader that opens a PNG for
  every face, reduces it with Pillow and draws its heatmaps in NumPy, in as many workers as there are cores.
- ours: the config's precision, channels-last, fused AdamW, faces decoded once and kept on the device, cropped, flipped,
  reduced and given heatmaps there in batches; compiled where the config says so. Clipping gradients and averaging
  weights, which the plain step does not, are included.

Rounds alternate, so that a machine that changes its speed changes it for both. Each round gives one ratio; the median
and the smallest of them are printed. `--cpu-time` counts processor time instead of seconds, for a machine with other
work on it (the plain step's loader runs in processes of its own and is not counted then).
"""

import copy
import dataclasses
import functools
import json
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import typer
from PIL import Image
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from dicface.checkpoints.runs import CONFIGS
from dicface.data.batches import FaceSampler, target_heatmaps
from dicface.data.degradation import DegradationConfig
from dicface.data.packs import FacePack, read_pack
from dicface.errors import ConfigError
from dicface.images.pixels import FACE_PX
from dicface.landmarks import HEATMAP_SIZE, HEATMAP_STRIDE
from dicface.networks.blocks import PReLU
from dicface.networks.dic import DICNetwork
from dicface.networks.recovery import RecoveryBlock
from dicface.runtime.parallel import usable_cores
from dicface.training.callbacks import AveragedWeights
from dicface.training.config import DICRun
from dicface.training.config_files import read_config
from dicface.training.dic import DICTask
from dicface.training.losses import LossConfig, dic_loss
from dicface.training.task import clip_gradients

LR_SIZE = 16
FACES = 512


class FaceFiles(Dataset[tuple[Tensor, Tensor, Tensor]]):
    """Faces as files, one decoded, reduced and annotated at a time."""

    def __init__(self, pack: FacePack, folder: Path) -> None:
        images, self.landmarks = pack.nominal()
        self.paths = [folder / f"{number}.png" for number in range(len(images))]
        for path, image in zip(self.paths, images, strict=True):
            Image.fromarray(image).save(path)

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor, Tensor]:
        """LR, HR and heatmaps of one face."""
        with Image.open(self.paths[index]) as hr:
            lr = hr.resize((LR_SIZE, LR_SIZE), Image.Resampling.BICUBIC)
            pair = [torch.from_numpy(np.asarray(image).transpose(2, 0, 1) / np.float32(255)) for image in (lr, hr)]
        cells = np.arange(HEATMAP_SIZE)
        heatmaps = [
            np.exp(-((cells - x) ** 2 + (cells[:, None] - y) ** 2) / 2)
            for x, y in self.landmarks[index] / HEATMAP_STRIDE
        ]
        return pair[0], pair[1], torch.from_numpy(np.stack(heatmaps).astype(np.float32))


def with_plain_layers(network: DICNetwork) -> DICNetwork:
    """A copy that computes the paper's layers one by one, as PyTorch has them, where gradients are wanted, too."""
    network = copy.deepcopy(network)
    for module in network.modules():
        if isinstance(module, RecoveryBlock):
            module.project_in_phases = lambda low, *, at_once, block=module: block.project(low)
        elif isinstance(module, PReLU):
            module.forward = functools.partial(nn.PReLU.forward, module)
    return network


def plain_step(network: DICNetwork, files: FaceFiles, batch: int, device: torch.device) -> Callable[[], None]:
    """One training step as the authors' code takes it."""
    optimiser = torch.optim.Adam(network.parameters(), 1e-4, foreach=False, fused=False)
    loader = DataLoader(files, batch, shuffle=True, drop_last=True, num_workers=usable_cores())

    def batches() -> Iterator[list[Tensor]]:
        while True:
            yield from loader

    stream = batches()

    def step() -> None:
        lr, hr, heatmaps = (tensor.to(device) for tensor in next(stream))
        optimiser.zero_grad()
        dic_loss(network(lr), hr, heatmaps, LossConfig()).total.backward()
        optimiser.step()

    return step


def our_step(config: DICRun, network: DICNetwork, pack: FacePack, device: torch.device) -> Callable[[], None]:
    """One training step as `dicface train` takes it."""
    task = DICTask(config).to(device)
    task.network.load_state_dict(network.state_dict())
    task.to(memory_format=torch.channels_last)
    if config.run.compile:
        task.network.compile()
    optimiser = task.configure_optimizers()["optimizer"]
    averages = torch.optim.swa_utils.AveragedModel(
        task,
        multi_avg_fn=AveragedWeights(config.optimiser.ema_decay).average,  # pyright: ignore[reportArgumentType] - called with lists of tensors
        use_buffers=True,
    )
    sampler = FaceSampler(pack, config.batch, config.augmentation, config.degradation, 0, device)
    numbers = iter(range(10**9))

    def step() -> None:
        batch = sampler.batch(next(numbers))
        with torch.autocast(device.type, torch.bfloat16, enabled=config.run.precision == "bf16-mixed"):
            output = task.network(batch.lr)
            loss = dic_loss(output, batch.hr, target_heatmaps(batch.landmarks), config.loss)
        optimiser.zero_grad()
        loss.total.backward()
        clip_gradients(optimiser, config.optimiser.max_grad_norm)
        optimiser.step()
        averages.update_parameters(task)

    return step


def samples_per_second(
    step: Callable[[], None], updates: int, batch: int, device: torch.device, clock: Callable[[], float]
) -> float:
    """Faces a second over some updates of the weights."""
    if device.type == "cuda":
        torch.cuda.synchronize()
    start = clock()
    for _ in range(updates):
        step()
    if device.type == "cuda":
        torch.cuda.synchronize()
    return updates * batch / (clock() - start)


def main(
    data: Annotated[Path, typer.Option(help="Face pack.")],
    config: Annotated[Path, typer.Option(help="Config of the `dic` task.")] = CONFIGS / "lite.toml",
    steps: Annotated[int | None, typer.Option(min=1, help="Steps of the network; the config's by default.")] = None,
    batch: Annotated[int | None, typer.Option(min=1, help="Faces at once; the config's by default.")] = None,
    updates: Annotated[int, typer.Option(min=1, help="Updates of the weights in a round.")] = 10,
    rounds: Annotated[int, typer.Option(min=1)] = 5,
    *,
    cpu_time: Annotated[bool, typer.Option(help="Count processor time instead of seconds.")] = False,
) -> None:
    """Print one JSON object."""
    chosen = read_config(config)
    if not isinstance(chosen, DICRun):
        raise ConfigError(f"expected a config of the task 'dic', got {chosen.run.task!r}")
    settings = dataclasses.replace(chosen, degradation=DegradationConfig())
    network_config = dataclasses.replace(settings.network, steps=steps or settings.network.steps)
    batch_config = dataclasses.replace(settings.batch, size=batch or settings.batch.size)
    run = dataclasses.replace(settings.run, steps_at=(), compile=settings.run.compile and torch.cuda.is_available())
    settings = dataclasses.replace(settings, network=network_config, batch=batch_config, run=run)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    pack, faces = read_pack(data, FACES), batch_config.size
    network = DICNetwork(network_config).to(device)
    with tempfile.TemporaryDirectory() as folder:
        both = {
            "plain": plain_step(with_plain_layers(network), FaceFiles(pack, Path(folder)), faces, device),
            "ours": our_step(settings, network, pack, device),
        }
        for step in both.values():
            for _ in range(2):
                step()
        speeds: dict[str, list[float]] = {name: [] for name in both}
        for _ in range(rounds):
            for name, step in both.items():
                clock = time.process_time if cpu_time else time.perf_counter
                speeds[name].append(samples_per_second(step, updates, faces, device, clock))
    ratios = [ours / plain for ours, plain in zip(speeds["ours"], speeds["plain"], strict=True)]
    result = {
        "config": config.name,
        "network_steps": network_config.steps,
        "batch": faces,
        "hr_px": FACE_PX,
        "device": torch.cuda.get_device_name() if device.type == "cuda" else f"{torch.get_num_threads()} CPU threads",
        "torch": torch.__version__,
        "clock": "processor" if cpu_time else "wall",
        "samples_per_s": {name: round(statistics.median(values), 2) for name, values in speeds.items()},
        "ratio": {"median": round(statistics.median(ratios), 2), "min": round(min(ratios), 2)},
    }
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    typer.run(main)
