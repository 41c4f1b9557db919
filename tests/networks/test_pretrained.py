"""Networks in torch, by name, file, run, checkpoint and id of the hub."""

import copy
import json
import os
import pickle
import shutil
import subprocess
import sys
from collections.abc import Generator
from dataclasses import asdict
from pathlib import Path

import pytest
import safetensors.torch
import torch
from huggingface_hub import constants

from dicface.checkpoints.networks import load_network, save_network
from dicface.errors import CheckpointError, OutputError, UnknownModelError, UsageError
from dicface.networks.dic import DICNetwork
from dicface.runtime.models import find_model
from tests.support.hub import Hub
from tests.support.networks import TINY


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Generator[Hub]:
    """A stand-in for the hub, with a cache of its own."""
    with Hub() as running:
        monkeypatch.setattr(constants, "ENDPOINT", running.address)
        monkeypatch.setattr(
            constants, "HUGGINGFACE_CO_URL_TEMPLATE", running.address + "/{repo_id}/resolve/{revision}/{filename}"
        )
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
        monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
        monkeypatch.setattr(constants, "HF_HUB_DISABLE_TELEMETRY", True)
        yield running


def test_an_embedded_model_by_name() -> None:
    network = DICNetwork.from_pretrained("lite")
    wanted = load_network(find_model("lite", ".safetensors")).state_dict()
    assert not network.training
    assert all(torch.equal(value, wanted[key]) for key, value in network.state_dict().items())


def test_a_file_a_run_and_its_checkpoint(tmp_path: Path) -> None:
    torch.manual_seed(0)
    saved = DICNetwork(TINY)
    save_network(saved, tmp_path / "weights.safetensors")
    shutil.copy(tmp_path / "weights.safetensors", tmp_path / "other.safetensors")
    for name in (str(tmp_path / "other.safetensors"), tmp_path / "other.safetensors", tmp_path):
        state = DICNetwork.from_pretrained(name).state_dict()
        assert all(torch.equal(value, state[key]) for key, value in saved.state_dict().items())


def test_what_is_no_network_that_restores_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnknownModelError, match=r"expected one of lite.*got 'light'"):
        DICNetwork.from_pretrained("light")
    with pytest.raises(CheckpointError, match="expected a network that restores faces, got a stacked hourglass"):
        DICNetwork.from_pretrained(find_model("landmarks-hr", ".safetensors", "landmarks"))
    (tmp_path / "broken.safetensors").write_bytes(b"not tensors")
    with pytest.raises(CheckpointError, match="expected a safetensors file"):
        DICNetwork.from_pretrained(tmp_path / "broken.safetensors")


def test_a_folder_for_the_hub_is_loaded_again(tmp_path: Path) -> None:
    torch.manual_seed(0)
    saved = DICNetwork(TINY)
    assert saved.save_pretrained(tmp_path / "mine") is None
    assert {path.name for path in (tmp_path / "mine").iterdir()} == {"README.md", "config.json", "model.safetensors"}
    assert json.loads((tmp_path / "mine" / "config.json").read_text()) == asdict(TINY)
    loaded = DICNetwork.from_pretrained(tmp_path / "mine")
    assert loaded.config == TINY
    assert all(torch.equal(value, saved.state_dict()[key]) for key, value in loaded.state_dict().items())


def test_an_authors_readme_is_kept(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("mine")
    DICNetwork(TINY).save_pretrained(tmp_path)
    assert (tmp_path / "README.md").read_text() == "mine"


def test_the_folder_of_a_run_is_not_written_into(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "best.ckpt").write_bytes(b"")
    with pytest.raises(OutputError, match=r"holds a training run \(best\.ckpt\)"):
        DICNetwork(TINY).save_pretrained(tmp_path)
    assert (tmp_path / "config.json").read_text() == "{}"


def test_a_network_is_copied_and_pickled_with_its_configuration(tmp_path: Path) -> None:
    for twin in (copy.deepcopy(DICNetwork(TINY)), pickle.loads(pickle.dumps(DICNetwork(TINY)))):
        twin.save_pretrained(tmp_path)
        assert json.loads((tmp_path / "config.json").read_text()) == asdict(TINY)


class TestHub:
    """A repository behind a server on this machine that answers as the hub does."""

    def test_an_id_downloads_the_weights_and_nothing_else(self, hub: Hub, tmp_path: Path) -> None:
        saved = DICNetwork(TINY)
        saved.save_pretrained(tmp_path / "repository")
        hub.publish("someone/tiny", tmp_path / "repository")
        for _ in range(2):
            loaded = DICNetwork.from_pretrained("someone/tiny")
            assert not loaded.training
            assert all(torch.equal(value, saved.state_dict()[key]) for key, value in loaded.state_dict().items())
        assert {path for _, path in hub.asked} == {"/someone/tiny/resolve/main/model.safetensors"}
        assert [method for method, _ in hub.asked].count("GET") == 1  # the second time it is in the cache

    @pytest.mark.slow
    def test_no_other_server_is_asked(self, hub: Hub, tmp_path: Path) -> None:
        """In a process of its own, where nothing but the address of the server is set."""
        DICNetwork(TINY).save_pretrained(tmp_path / "repository")
        hub.publish("someone/tiny", tmp_path / "repository")
        environment = {name: value for name, value in os.environ.items() if not name.startswith("HF_")}
        environment |= {"HF_ENDPOINT": hub.address, "HF_HOME": str(tmp_path / "home")}
        code = "from dicface.networks.dic import DICNetwork\nDICNetwork.from_pretrained('someone/tiny')"
        subprocess.run([sys.executable, "-W", "error", "-c", code], check=True, env=environment)
        assert {path for _, path in hub.asked} == {"/someone/tiny/resolve/main/model.safetensors"}

    def test_a_revision(self, hub: Hub, tmp_path: Path) -> None:
        DICNetwork(TINY).save_pretrained(tmp_path / "repository")
        hub.publish("someone/tiny", tmp_path / "repository", revision="v2")
        assert DICNetwork.from_pretrained("someone/tiny", revision="v2").config == TINY
        with pytest.raises(UnknownModelError, match="got 'someone/tiny': "):
            DICNetwork.from_pretrained("someone/tiny")
        with pytest.raises(UsageError, match="beside a revision, got 'lite'"):
            DICNetwork.from_pretrained("lite", revision="v2")

    def test_weights_of_something_else_are_refused(self, hub: Hub, tmp_path: Path) -> None:
        (tmp_path / "model.safetensors").write_bytes(safetensors.torch.save({"weight": torch.zeros(2)}))
        hub.publish("someone/other", tmp_path)
        with pytest.raises(CheckpointError, match="expected a network configuration inside"):
            DICNetwork.from_pretrained("someone/other")

    def test_pickled_weights_are_not_even_asked_for(self, hub: Hub, tmp_path: Path) -> None:
        (tmp_path / "pytorch_model.bin").write_bytes(b"cos\nsystem\n(S'true'\ntR.")
        hub.publish("someone/pickled", tmp_path)
        with pytest.raises(UnknownModelError, match=r"expected a repository of the hub with model\.safetensors"):
            DICNetwork.from_pretrained("someone/pickled")
        assert not any("pytorch_model" in path for _, path in hub.asked)

    @pytest.mark.parametrize("name", ["light", "runs/lite", "./a/b", "a/b/c", "a/b.safetensors", Path("a/b"), "/a/b"])
    def test_what_may_be_a_path_is_never_looked_up(
        self, name: str | Path, hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "runs").mkdir()
        monkeypatch.chdir(tmp_path)
        with pytest.raises(UnknownModelError, match="expected one of lite"):
            DICNetwork.from_pretrained(name)
        assert hub.asked == []

    def test_no_connection_is_said(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
        with pytest.raises(UnknownModelError, match=r"expected a repository of the hub.*got 'someone/tiny'"):
            DICNetwork.from_pretrained("someone/tiny")
