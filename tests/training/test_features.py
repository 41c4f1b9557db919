"""Face features that DICGAN's feature loss can be measured in."""

from pathlib import Path

import torch

from dicface.checkpoints import load_strictly, read_tensors
from dicface.data.batches import nominal_batches
from dicface.data.packs import read_pack
from dicface.networks.blocks import channel_means
from dicface.networks.lightcnn import FaceRecogniser
from tests.training.test_fit import run, small


def test_finished_features_have_magnitude_one(tmp_path: Path) -> None:
    state, _ = read_tensors(run(small("features", "run.steps=4", "optimiser.learning_rate=1e-5"), tmp_path, "run"))
    network = FaceRecogniser(4)
    load_strictly(network, state)
    (batch,) = nominal_batches(read_pack(tmp_path / "faces.parquet"))
    with torch.inference_mode():
        magnitude = network.features(batch.hr - channel_means()).abs().mean()
    # Of two faces a step, cropped and lit at random, against all ten.
    torch.testing.assert_close(magnitude, torch.ones(()), rtol=0.1, atol=0)
