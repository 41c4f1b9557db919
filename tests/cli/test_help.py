"""Every command explains itself."""

import pytest

from tests.support.command import dicface


@pytest.mark.parametrize(
    "command",
    ["restore", "upscale", "models", "prepare", "train", "export", "convert", "evaluate", "benchmark", "serve"],
)
def test_every_command_has_help(command: str) -> None:
    result = dicface(command, "--help")
    assert result.returncode == 0
    assert "Usage: " in result.stdout
