"""The state of the network handed from frame to frame, measured against the average of faces.

    python -m experiments.video_recurrence hires-val.parquet backgrounds-val.parquet --clips 2 --frames 20

The clips and the columns of the table are those of `experiments.video`. A network of several steps has a first step
without a state and later ones that take the state of the step before: features of the trunk, hidden state of the
landmark branch, and heatmaps. In the first frame of a face all steps run. In each other frame

- handed on: the later step runs as often as the network has steps, from the last state of the frame before;
- handed on, one step: it runs once, which takes the time of one step;
- mixed: the first step runs as always, and its state is averaged with the first one of the frame before, which is such
  an average itself; then the later steps run.

The state is not moved: the crop follows the face in whole pixels, so that a face that stands still lies in the same
pixels. "Averaged" adds the average over time of clips.
"""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, Literal, NamedTuple

import numpy as np
import torch
import typer
from numpy.typing import NDArray
from rich.console import Console

from dicface import Restorer
from dicface.faces.geometry import Square
from dicface.images.pixels import to_network, to_uint8
from dicface.landmarks import decode_heatmaps
from dicface.networks.dic import DICNetwork, DICState
from dicface.restoration.choice import FaceChoice
from dicface.restoration.passes import model_crop
from dicface.restoration.video.frames import FrameRestorer
from dicface.restoration.video.steadiness import LONGEST_MEMORY, SteadyFace
from dicface.runtime.background import enlarge_to
from dicface.runtime.face_model import FaceModel, FaceSteps
from dicface.runtime.models import DEFAULT_MODEL, find_model
from experiments.video import SCALE, Made, Method, print_table, results_of

HandOver = Literal["none", "handed on", "handed on, one step", "mixed"]
OWN_SHARE = 0.5
"""Share of a frame's own state in the mixed one."""


def mixed_states(own: DICState, before: DICState) -> DICState:
    """Average of the states of two frames."""
    return DICState(*(OWN_SHARE * one + (1 - OWN_SHARE) * other for one, other in zip(own, before, strict=True)))


class Frame(NamedTuple):
    """One frame of a face.

    Attributes:
        steps: the last step's result.
        state: for the next frame.
    """

    steps: FaceSteps
    state: DICState


@torch.inference_mode()
def restored_frame(network: DICNetwork, crop: NDArray[np.uint8], before: DICState | None, how: HandOver) -> Frame:
    """Restore one face of a frame.

    Args:
        network: of several steps.
        crop: (S, S, 3) uint8 RGB.
        before: the state of the frame before; None in the first.
        how: what becomes of it.
    """
    lr = torch.from_numpy(to_network(crop[None])) - network.means
    start, count = network.stem(lr), network.config.steps
    state = None if how in ("none", "mixed") else before
    if state is not None and how == "handed on, one step":
        count = 1
    sr, first = network.step(lr, start, state)
    if how == "mixed" and before is not None:
        first = mixed_states(first, before)
    last = first
    for _ in range(count - 1):
        sr, last = network.step(lr, start, last)
    heatmaps = last.heatmaps.numpy()
    faces = to_uint8((sr + network.means).permute(0, 2, 3, 1).numpy())
    steps = FaceSteps(faces, decode_heatmaps(heatmaps), heatmaps.max(axis=(-2, -1)))
    return Frame(steps, first if how == "mixed" else last)


class HandingOn(FrameRestorer):
    """Restores the frames of a clip with the state of each face handed on to the next frame.

    Args:
        restorer: finds the faces, and has the model of `network`.
        network: restores them.
        how: what is handed on.
        memory: see `SteadyFace`; 1 for no average.
    """

    def __init__(self, restorer: Restorer, network: DICNetwork, *, how: HandOver, memory: float = 1.0) -> None:
        super().__init__(
            restorer._models,
            restorer._detect,
            restorer._verify,
            partial(enlarge_to, network=None),
            choice=FaceChoice(),
            scale=SCALE,
            rate=25,
            make_average=partial(SteadyFace, memory),
        )
        self._network = network
        self._how: HandOver = how
        self._states: list[tuple[Square, DICState]] = []

    def _run(self, pixels: NDArray[np.uint8], squares: Sequence[Square]) -> list[tuple[FaceModel, FaceSteps]]:
        model, results, states = self._models.model, list[FaceSteps](), list[tuple[Square, DICState]]()
        for square in squares:
            crop = model_crop(pixels, model, square)
            steps, state = restored_frame(self._network, crop, self._state_near(square), self._how)
            results.append(steps)
            states.append((square, state))
        self._states = states
        return [(model, steps) for steps in results]

    def _state_near(self, square: Square) -> DICState | None:
        """The state of the face that was here in the frame before."""
        for other, state in self._states:
            if max(abs(other.left - square.left), abs(other.top - square.top)) < square.side / 2:
                return state
        return None


def handed_on(
    frames: list[NDArray[np.uint8]], restorer: Restorer, network: DICNetwork, *, how: HandOver, memory: float
) -> Made:
    """Restore a clip."""
    work = HandingOn(restorer, network, how=how, memory=memory)
    restored = [work(each) for each in frames]
    return Made([each.image for each in restored], [each.faces for each in restored])


def methods_of(restorer: Restorer, network: DICNetwork) -> dict[str, Method]:
    """The methods by name."""
    make = partial(handed_on, restorer=restorer, network=network)
    return {
        "plain": partial(results_of, restorer, method="plain"),
        "frame by frame": partial(results_of, restorer, method="frame by frame"),
        "followed": partial(make, how="none", memory=1),
        "handed on": partial(make, how="handed on", memory=1),
        "handed on, one step": partial(make, how="handed on, one step", memory=1),
        "mixed": partial(make, how="mixed", memory=1),
        "clip (averaged)": partial(make, how="none", memory=LONGEST_MEMORY),
        "mixed, averaged": partial(make, how="mixed", memory=LONGEST_MEMORY),
    }


def main(
    data: Annotated[Path, typer.Argument(help="Face pack of 288 px.")],
    backgrounds: Annotated[Path, typer.Argument(help="Pack of photos without faces.")],
    *,
    clips: Annotated[int, typer.Option(min=1, help="Pairs of faces.")] = 2,
    frames: Annotated[int, typer.Option(min=4, help="Frames of a clip.")] = 20,
    model: Annotated[str, typer.Option(help="Embedded model of several steps, which restores alone.")] = DEFAULT_MODEL,
) -> None:
    """Print the table."""
    file = find_model(model, ".safetensors")
    methods = methods_of(Restorer(file, backend="torch"), DICNetwork.from_pretrained(file))
    print_table(methods, f"{model} alone", data, backgrounds, clips, frames, Console(width=150))


if __name__ == "__main__":
    typer.run(main)
