"""The operator's networks: which a request uses, and that a wrong file is known at once."""

from pathlib import Path

import pytest

from dicface.errors import CheckpointError, UsageError
from dicface.web.networks import NO_NETWORKS, AddedNetworks, background_of, open_networks, seconds_per_megapixel
from dicface.web.restorers import restorer_of
from tests.support.enlargers import write_enlarger


def test_a_request_uses_what_is_switched_on(networks: AddedNetworks) -> None:
    assert networks.chosen(large_faces=True, background=True) == networks
    assert networks.chosen(large_faces=False, background=True) == networks._replace(large_faces=None)
    chosen = networks.chosen(large_faces=False, background=False)
    assert (chosen.large_faces, chosen.background) == (None, None)


@pytest.mark.parametrize("name", ["large_faces", "background"])
def test_a_network_that_is_not_there_is_refused(name: str) -> None:
    wanted = {"large_faces": False, "background": False, name: True}
    with pytest.raises(UsageError, match=f"expected no `{name}`: this server was started without a network for that"):
        NO_NETWORKS.chosen(**wanted)


def test_networks_are_opened_and_timed(networks: AddedNetworks) -> None:
    seconds = open_networks(networks)
    assert seconds is not None
    assert 0 < seconds < 600
    assert open_networks(networks._replace(background=None)) is None


def test_a_slower_network_is_measured_as_slower(tmp_path: Path, networks: AddedNetworks) -> None:
    assert networks.background is not None
    slow = background_of(write_enlarger(tmp_path / "slow.onnx", scale=4, taps=41))
    assert seconds_per_megapixel(slow) > 3 * seconds_per_megapixel(background_of(networks.background))


def test_wrong_files_are_refused(tmp_path: Path, networks: AddedNetworks) -> None:
    missing = tmp_path / "missing.onnx"
    with pytest.raises(UsageError, match=r"expected an ONNX file as `large_faces`, there is none at .*missing"):
        open_networks(AddedNetworks(missing))
    with pytest.raises(UsageError, match=r"as `background`, got .*missing"):
        open_networks(AddedNetworks(background=missing))
    with pytest.raises(UsageError, match="expected a `fidelity` from 0 to 1, got 2"):
        open_networks(networks._replace(fidelity=2))
    # Each in the other's place.
    with pytest.raises(CheckpointError, match=r"expected finite \(1, 3, 512, 512\) out of"):
        open_networks(AddedNetworks(networks.background))
    with pytest.raises(CheckpointError):
        open_networks(AddedNetworks(background=networks.large_faces))


def test_restorers_of_a_model_share_it_and_their_networks(networks: AddedNetworks) -> None:
    plain, both = restorer_of("lite"), restorer_of("lite", networks)
    assert both.model is plain.model
    assert plain.settings["large_faces"] is None
    assert plain.settings["background"] is None
    assert both.settings["fidelity"] == 1
    assert (
        both.settings["background"] == restorer_of("lite", networks._replace(large_faces=None)).settings["background"]
    )
