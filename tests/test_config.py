"""Configs are read strictly."""

from pathlib import Path

import pytest

from dicface.config import read_config
from dicface.errors import ConfigError
from dicface.networks.dic import DIC, LITE

CONFIGS = Path(__file__).parent.parent / "configs"


@pytest.mark.parametrize("path", sorted(CONFIGS.glob("*.toml")), ids=lambda path: path.stem)
def test_every_shipped_config_parses(path: Path) -> None:
    config = read_config(path)
    assert config.network in (DIC, LITE)


def test_an_unknown_key_names_the_nearest(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text("[optimiser]\nlearning_rat = 1.0\n")
    with pytest.raises(ConfigError, match=r"optimiser.learning_rat; did you mean optimiser.learning_rate\?"):
        read_config(tmp_path / "a.toml")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[run]\nsteps = 1.5", "expected int for run.steps, got 1.5"),
        ('[run]\ntask = "gan"', "expected one of .*dic.* for run.task, got 'gan'"),
        ("[run]\nsteps = 0", "expected run.steps and run.validate_every from 1 up"),
        ("[batch]\nsize = 0", "expected batch.size from 1 up"),
        ("run = 3", r"expected a table \[run\], got 3"),
        ("[optimiser]\nhalve_at = 5", "expected a list for optimiser.halve_at, got 5"),
        ("[run", "expected a TOML file"),
    ],
)
def test_wrong_values_say_what_was_expected(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "a.toml").write_text(text)
    with pytest.raises(ConfigError, match=message):
        read_config(tmp_path / "a.toml")


def test_overrides_win(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text("[run]\nsteps = 7\n")
    config = read_config(tmp_path / "a.toml", ["run.steps=9", "run.precision=bf16-mixed", "optimiser.halve_at=[1, 2]"])
    assert (config.run.steps, config.run.precision, config.optimiser.halve_at) == (9, "bf16-mixed", (1, 2))


def test_an_override_into_no_table_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text("run = 3")
    with pytest.raises(ConfigError, match=r"expected a table \[run\], got 3"):
        read_config(tmp_path / "a.toml", ["run.steps=1"])


def test_an_override_without_a_table_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text("")
    with pytest.raises(ConfigError, match=r"expected table.key=value, got 'steps=3'"):
        read_config(tmp_path / "a.toml", ["steps=3"])
