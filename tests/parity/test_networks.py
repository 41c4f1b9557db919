"""Our networks and formulas give the tensors recorded from the authors' code."""

import numpy as np
import pytest
import torch

from dicface.checkpoints.names import to_our_names
from dicface.checkpoints.networks import load_strictly
from dicface.data.batches import target_heatmaps
from dicface.landmarks import HEATMAP_STRIDE, authors_peaks
from dicface.networks.dic import DICConfig, DICNetwork
from dicface.networks.fusion import ComponentMaps
from dicface.networks.lightcnn import Discriminator
from dicface.networks.stacked_hourglass import StackedHourglass, StackedHourglassConfig
from tests.support.lanes import slow
from tests.support.recorded import INDEX, recorded_state, recorded_tensors


@pytest.mark.parametrize("name", ["dic_small", *slow(["dic_full"])])
def test_every_step_equals_the_authors_network(name: str) -> None:
    sizes = INDEX["models"][name]["config"]
    network = DICNetwork(
        DICConfig(
            steps=sizes["num_steps"],
            features=sizes["num_features"],
            groups=sizes["num_groups"],
            fusion_blocks=sizes["num_fusion_block"],
            hourglass_width=sizes["hg_num_feature"],
            keypoints=sizes["hg_num_keypoints"],
        )
    ).eval()
    load_strictly(network, to_our_names(recorded_state(name)))
    recorded = recorded_tensors(name)
    # The recordings are in the mean-subtracted frame; the network speaks [0, 1].
    with torch.inference_mode():
        output = network(torch.from_numpy(recorded["lr"]) + network.means)
    for step in range(sizes["num_steps"]):
        np.testing.assert_allclose((output.sr[:, step] - network.means).numpy(), recorded[f"sr_{step}"], atol=1e-4)
        np.testing.assert_allclose(output.heatmaps[:, step].numpy(), recorded[f"heatmap_{step}"], atol=1e-4)


def test_the_stacked_hourglass_equals_the_authors() -> None:
    sizes = INDEX["models"]["stacked_hourglass"]["config"]
    config = StackedHourglassConfig(sizes["num_feature"], sizes["num_stack"], sizes["num_keypoints"])
    network = StackedHourglass(config).eval()
    load_strictly(network, to_our_names(recorded_state("stacked_hourglass"), "stacked hourglass"))
    recorded = recorded_tensors("stacked_hourglass")
    with torch.inference_mode():
        heatmaps = network(torch.from_numpy(recorded["image"]))[-1]
    # The random weights make values of thousands; float32 agrees to about 1e-5 of their scale.
    scale = np.abs(recorded["heatmap"]).max()
    np.testing.assert_allclose(heatmaps.numpy(), recorded["heatmap"], rtol=0, atol=1e-5 * scale)


def test_the_discriminator_equals_the_authors() -> None:
    network = Discriminator().eval()
    load_strictly(network, to_our_names(recorded_state("lightcnn"), "discriminator"))
    recorded = recorded_tensors("lightcnn")
    image = torch.from_numpy(recorded["image"])
    with torch.inference_mode():
        np.testing.assert_allclose(network.features(image).numpy(), recorded["features"], rtol=1e-4, atol=1e-4)
        np.testing.assert_allclose(network(image).numpy(), recorded["logit"], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("points", [68, 194])
def test_component_maps_equal_the_authors(points: int) -> None:
    recorded = recorded_tensors("component_heatmaps")
    maps = ComponentMaps()(torch.from_numpy(recorded[f"in{points}"]).float())
    np.testing.assert_allclose(maps.numpy(), recorded[f"out{points}"], rtol=1e-4, atol=1e-4)


def test_target_heatmaps_equal_the_authors() -> None:
    recorded = recorded_tensors("target_heatmaps")
    points_128 = torch.from_numpy(recorded["landmarks_32"]) * HEATMAP_STRIDE
    np.testing.assert_allclose(target_heatmaps(points_128).numpy(), recorded["heatmaps"], atol=1e-6)


def test_peak_rule_equals_the_authors() -> None:
    recorded = recorded_tensors("peaks")
    np.testing.assert_array_equal(authors_peaks(recorded["heatmaps"]), recorded["points_128"])
