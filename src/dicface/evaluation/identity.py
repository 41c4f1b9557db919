"""Whether a restored face still looks like the same person, to a network that compares people."""

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from dicface.checkpoints.networks import load_strictly, read_tensors
from dicface.errors import CheckpointError
from dicface.images.pixels import to_network
from dicface.networks.blocks import channel_means
from dicface.networks.lightcnn import FaceRecogniser
from dicface.runtime.models import embedded_models, find_model

FEATURE_MODEL = "features"


class HeldOut(NamedTuple):
    """How well face features tell people apart whom they were not trained on.

    Attributes:
        data: the faces.
        people: how many people they are of.
        auc: see `verification_auc`.
    """

    data: str
    people: int
    auc: float


class Recogniser:
    """LightCNN-9 trained to tell people apart (`configs/features.toml`).

    Attributes:
        name: as it was asked for.
        held_out: how good it is; None if it is not embedded, since only a card says that.
    """

    def __init__(self, model: str = FEATURE_MODEL) -> None:
        """Load the features.

        Args:
            model: name of an embedded model of face features, or the weights of a `features` run.

        Raises:
            UnknownModelError: no such model.
            CheckpointError: the file is not of such a run.
        """
        self.name = model
        path = find_model(model, ".safetensors", "features")
        state, _ = read_tensors(path)
        if "filter.bias" not in state:
            raise CheckpointError(
                f"expected the weights of a features run, got {str(path)!r}; see configs/features.toml"
            )
        network = FaceRecogniser(len(state["filter.bias"]) // 2)
        load_strictly(network, state)
        self._network = network.eval()
        card = embedded_models("features").get(model)
        result = None if card is None else card["numbers"]["results"][0]
        self.held_out = None if result is None else HeldOut(result["data"], result["people"], result["auc"])

    def __call__(self, faces: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Embed faces.

        Args:
            faces: (N, 128, 128, 3) uint8 RGB.

        Returns:
            (N, E) float32 of length 1; the cosine of two is their likeness.
        """
        with torch.inference_mode():
            embeddings = self._network(torch.from_numpy(to_network(faces)) - channel_means())
            return torch.nn.functional.normalize(embeddings).numpy()
