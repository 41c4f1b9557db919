"""The shipped finder's peaks in scenes."""

import torch

from dicface.data.scenes.labels import Scenes
from dicface.networks.face_finder import Peaks
from dicface.runtime.face_finder import FINDER_MODEL
from dicface.runtime.models import find_model
from dicface.runtime.sessions import open_session


def scene_peaks(scenes: Scenes) -> Peaks:
    """Raw output of the network for every cell of some scenes, without an image pyramid."""
    session = open_session(find_model(FINDER_MODEL, kind="finder"))
    outputs = session.run(["score", "box", "points"], {"image": scenes.images.numpy()})
    return Peaks(*(torch.as_tensor(output) for output in outputs))
