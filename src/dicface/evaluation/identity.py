"""Face embeddings for measuring identity similarity."""

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from dicface.checkpoints.networks import load_strictly, read_tensors
from dicface.errors import CheckpointError
from dicface.images.pixels import to_network
from dicface.networks.blocks import channel_means
from dicface.networks.lightcnn import FaceRecogniser
from dicface.runtime.cards import FeaturesResult
from dicface.runtime.models import embedded_models, find_model

FEATURE_MODEL = "features"


class HeldOut(NamedTuple):
    """Verification result of face features on identities outside their training data.

    Attributes:
        data: name of the pack.
        identities: number of identities in it.
        auc: see `verification_auc`.
    """

    data: str
    identities: int
    auc: float


class Recogniser:
    """LightCNN-9 trained to classify identities (config `features`).

    Attributes:
        name: as given.
        held_out: its verification result; None if it is not embedded and has no card.
    """

    def __init__(self, model: str = FEATURE_MODEL) -> None:
        """Load the features.

        Args:
            model: name of an embedded model of face features, or the weights of a `features` run.

        Raises:
            UnknownModelError: no such model.
            CheckpointError: the file is not from a `features` run.
        """
        self.name = model
        path = find_model(model, ".safetensors", "features")
        state, _ = read_tensors(path)
        if "filter.bias" not in state:
            raise CheckpointError(
                f"expected the weights of a features run, got {str(path)!r}; `dicface train features` makes them"
            )
        network = FaceRecogniser(len(state["filter.bias"]) // 2)
        load_strictly(network, state)
        self._network = network.eval()
        card = embedded_models("features").get(model)
        measured = [] if card is None else [row for row in card.results if isinstance(row, FeaturesResult)]
        self.held_out = HeldOut(measured[0].data, measured[0].identities, measured[0].auc) if measured else None

    def __call__(self, faces: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Embed faces.

        Args:
            faces: (N, 128, 128, 3) uint8 RGB.

        Returns:
            (N, E) float32 of length 1; the dot product of two is their cosine similarity.
        """
        with torch.inference_mode():
            embeddings = self._network(torch.from_numpy(to_network(faces)) - channel_means())
            return torch.nn.functional.normalize(embeddings).numpy()
