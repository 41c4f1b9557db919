"""Every command explains itself."""

import re
from typing import get_args

import pytest

from dicface import __version__
from dicface.cli.options import complete_model, complete_upscaler
from dicface.cli.preparation import CropFormat
from dicface.data.pack_writing import CROP_FORMATS
from dicface.faces.detection import make_detector
from dicface.faces.names import DetectorName
from tests.support.command import dicface


@pytest.mark.parametrize(
    "command",
    ["restore", "upscale", "models", "prepare", "train", "export", "convert", "evaluate", "benchmark", "serve"],
)
def test_every_command_has_help(command: str) -> None:
    result = dicface(command, "--help")
    assert result.returncode == 0
    assert "Usage: " in result.stdout


def test_the_version_is_said() -> None:
    result = dicface("--version")
    assert (result.returncode, result.stdout) == (0, f"dicface {__version__}\n")


def test_the_help_has_panels_and_choices() -> None:
    text = re.sub(r"\s+", " ", dicface("restore", "--help").stdout.replace("│", " "))
    for panel in ("Faces", "Model", "Output", "Batches"):
        assert f"╭─ {panel} ─" in text
    detectors = "face|dlib|dlib-fast|dlib-thorough"
    for choices in ("auto|onnxruntime|openvino|torch", "auto|cpu|cuda|directml|coreml", detectors):
        assert choices in text


def test_choices_of_the_command_are_those_of_the_library() -> None:
    assert get_args(CropFormat) == tuple(CROP_FORMATS)
    for name in get_args(DetectorName):
        make_detector(name)


def test_models_are_completed() -> None:
    assert complete_model("li") == ["lite", "lite-256"]
    assert complete_upscaler("b") == ["bicubic"]
