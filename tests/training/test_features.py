"""Face features that DICGAN's feature loss can be measured in."""

from pathlib import Path

import pytest
import torch

from dicface.checkpoints.networks import load_strictly, read_tensors
from dicface.data.batches import nominal_batches
from dicface.data.packs import read_pack
from dicface.networks.blocks import channel_means
from dicface.networks.lightcnn import FaceRecogniser
from tests.support.training import LIGHTCNN_WIDTHS, run, small


@pytest.mark.slow
def test_finished_features_have_magnitude_one(tmp_path: Path) -> None:
    """Though they grow while they learn."""
    state, _ = read_tensors(run(small("features", "run.steps=15", "run.validate_every=15"), tmp_path, "run"))
    network = FaceRecogniser(4, LIGHTCNN_WIDTHS)
    load_strictly(network, state)
    (batch,) = nominal_batches(read_pack(tmp_path / "faces.parquet").identified())
    with torch.inference_mode():
        magnitude = network.features(batch.hr - channel_means()).abs().mean()
    torch.testing.assert_close(magnitude, torch.ones(()), rtol=1e-4, atol=0)
