"""Model cards for the hub, as `huggingface_hub` and YAML read them."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from huggingface_hub import ModelCard as HubCard

from dicface.errors import OutputError
from dicface.files import file_digest
from dicface.runtime.hub_cards import hub_card, network_card, write_hub_folder
from dicface.runtime.models import embedded_models, find_model
from tests.support.command import dicface


def front_matter(text: str) -> dict[str, Any]:
    """The metadata of a README.md, as any reader of YAML sees it."""
    assert text.startswith("---\n")
    return yaml.safe_load(text[4:].partition("\n---\n")[0])


@pytest.mark.parametrize("name", embedded_models())
def test_the_hub_reads_the_metadata_of_every_card(name: str) -> None:
    card = embedded_models()[name]
    data = HubCard(hub_card(card), ignore_metadata_errors=False).data
    assert (data.library_name, data.license, data.license_link) == ("dicface", "other", "LICENSE")
    assert data.license_name == "non-commercial-research"
    assert data.model_name == name
    assert len(data.eval_results or []) >= len(card.results)
    assert all(result.metric_value > 0 for result in data.eval_results or [])


def test_metrics_are_those_of_the_card() -> None:
    card = embedded_models()["lite"]
    (model,) = front_matter(hub_card(card))["model-index"]
    (sixteen,) = (row for row in model["results"] if row["dataset"]["name"].endswith("crops of 16 px"))
    values = {metric["name"]: metric["value"] for metric in sixteen["metrics"]}
    (row,) = (row for row in card.as_json()["numbers"]["results"] if row["lr_size"] == 16)
    assert values["PSNR in dB, y-crop8"] == row["y-crop8"]["psnr"]
    assert values["SSIM, y"] == row["y"]["ssim"]
    assert len(values) == 6  # nothing of bicubic, which is another model
    assert (
        f"| 16 px | y-crop8 | 24.11 / 0.6523 | {row['y-crop8']['psnr']:.2f} / {row['y-crop8']['ssim']:.4f} |"
        in hub_card(card)
    )


def test_the_text_has_use_limits_data_and_licence() -> None:
    card = embedded_models()["lite"]
    text = hub_card(card)
    for part in (card.use, card.licence, card.hardware, *card.command, *card.sha256.values()):
        assert part in text
    assert "8 to 64 px on a side" in text
    for pack in card.data:
        assert pack.sha256 in text


def test_a_network_without_a_card_claims_nothing() -> None:
    text = network_card({"steps": 2}, parameters=1_234_567)
    assert front_matter(text).keys() == {"library_name", "pipeline_tag", "tags"}
    assert "1.23 million parameters" in text
    assert "| steps | 2 |" in text
    assert "To be added by the author" in text


def test_the_command_writes_a_folder_for_the_hub(tmp_path: Path) -> None:
    done = dicface("models", "lite", "--hub", tmp_path / "hub")
    assert (done.returncode, done.stderr) == (0, "")
    assert "README.md" in done.stdout
    names = {path.name for path in (tmp_path / "hub").iterdir()}
    assert names == {"README.md", "LICENSE", "card.json", "config.json", "model.onnx", "model.safetensors"}
    for suffix in (".onnx", ".safetensors"):
        assert file_digest(tmp_path / "hub" / f"model{suffix}") == file_digest(find_model("lite", suffix))
    card = embedded_models()["lite"].as_json()
    assert json.loads((tmp_path / "hub" / "card.json").read_text()) == card
    assert json.loads((tmp_path / "hub" / "config.json").read_text()) == card["network"]


def test_a_model_without_an_onnx_file_has_its_weights_alone(tmp_path: Path) -> None:
    written = write_hub_folder(embedded_models()["features"], tmp_path)
    assert {path.name for path in written if path.stem == "model"} == {"model.safetensors"}


def test_a_folder_with_something_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("mine")
    with pytest.raises(OutputError, match="expected an empty or a new folder"):
        write_hub_folder(embedded_models()["lite"], tmp_path)
    assert (tmp_path / "README.md").read_text() == "mine"


def test_wrong_calls_are_refused(tmp_path: Path) -> None:
    assert "expected the name of one model beside --hub" in dicface("models", "--hub", tmp_path / "x").stderr
    done = dicface("models", "light")
    assert done.returncode == 2
    assert "expected one of features, finder" in done.stderr
    assert set(json.loads(dicface("models", "lite", "--json").stdout)) == {"lite"}
