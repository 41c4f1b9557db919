"""Configs are read strictly."""

import dataclasses
import tomllib
from pathlib import Path

import pytest

import dicface
from dicface.checkpoints.runs import CONFIGS, shipped_configs
from dicface.errors import ConfigError
from dicface.networks.dic import DIC, LITE, LITE_256
from dicface.training.config import DICGANRun, DICRun, FinderRun, LandmarkRun, resolved
from dicface.training.config_files import from_tables, read_config, with_overrides
from dicface.training.losses import GANConfig, LossConfig
from dicface.training.tables import FinderRunConfig
from dicface.training.tasks import TASKS
from tests.support.networks import FEEDBACK


@pytest.mark.parametrize("path", sorted(CONFIGS.rglob("*.toml")), ids=lambda path: path.stem)
def test_every_shipped_config_is_complete(path: Path) -> None:
    config = read_config(path)
    if isinstance(config, LandmarkRun | DICRun | DICGANRun):
        assert config.network in (DIC, LITE, LITE_256, FEEDBACK, dataclasses.replace(FEEDBACK, stem="paper"))
    written = tomllib.loads(path.read_text())
    assert written.keys() == {field.name for field in dataclasses.fields(config)}
    for table, values in written.items():
        fields = {field.name for field in dataclasses.fields(getattr(config, table))}
        assert values.keys() == fields
    assert path.read_text().startswith("# ")


@pytest.mark.parametrize("data", ["celeba", "helen"])
def test_the_papers_configs_hold_the_papers_values(data: str) -> None:
    dic, gan = (read_config(CONFIGS / "paper" / f"{task}-{data}.toml") for task in ("dic", "dicgan"))
    helen = data == "helen"
    assert (dic.run.steps, dic.batch.size, dic.optimiser.learning_rate) == (150_000, 8, 1e-4)
    assert dic.optimiser.halve_at == (10_000, 20_000, 40_000, 80_000)
    assert dic.run.frozen_landmark_steps == (20_000 if helen else 2_000)
    assert dic.loss == LossConfig()
    assert gan.run.steps == gan.run.frozen_landmark_steps == (100_000 if helen else 80_000)
    assert gan.optimiser.halve_at == (10_000, 20_000, 40_000)
    assert gan.gan == GANConfig(feature=0.1, adversarial=0.005)
    assert gan.loss.image == (2 if helen else 1)
    for config in (dic, gan):
        assert config.network == DIC
        assert config.run.initial_weights == "he-normal"
        assert (config.augmentation.flip == "none") is not helen
        assert (config.augmentation.aspect_min, config.augmentation.aspect_max) == ((0.66, 1.33) if helen else (1, 1))


def test_an_unknown_key_names_the_nearest(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text("[optimiser]\nlearning_rat = 1.0\n")
    with pytest.raises(ConfigError, match=r"optimiser.learning_rat; did you mean optimiser.learning_rate\?"):
        read_config(tmp_path / "a.toml")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[run]\nsteps = 1.5", "expected int for run.steps, got 1.5"),
        ('[run]\ntask = "dic"\n[gan]', r"the task 'dic' does not use the tables \['gan'\]"),
        ("[network]\nkeypoints = 194", "expected keypoints = 68, the landmarks of the packs"),
        (
            "[degradation]\nsize_min = 8",
            "expected degradation.size_min and size_max from 16 to 16 for the stem 'paper', got 8 and 16",
        ),
        ('[run]\ntask = "features"\nlandmark_weights = "a"', "run.landmark_weights is for the task 'dic'"),
        ('[run]\ntask = "features"\nfrozen_landmark_steps = 3', "run.frozen_landmark_steps is for 'dic' and 'dicgan'"),
        ("[lr]\nsize_min = 8", r"the table \[lr\] is now called \[degradation\]; rename it"),
        ('[degradation]\ndegradation = "camera"', "degradation.degradation is now called degradation.kind; rename it"),
        ("[degradation]\nsensor_min = 1.0", "degradation.sensor_min is now called degradation.sensor_scale_min"),
        ("[augmentation]\nface_width_min = 0.6\nface_width_max = 0.8", "unscaled_share = 1 leaves every face unturned"),
        ("[augmentation]\nrotation_degrees = 9.0", "unscaled_share = 1 leaves every face unturned"),
        ("[optimiser]\nema_decay = 1.5", "expected optimiser.* from 0 up and optimiser.ema_decay under 1"),
        ("[optimiser]\nlearning_rate = nan", "expected optimiser.* from 0 up and optimiser.ema_decay under 1"),
        ('[run]\ntask = "hr-landmark"\n[hourglass]\nstacks = 0', "expected hourglass.width from 4 up"),
        ("[augmentation]\nexposure = -3.0", "expected augmentation.exposure from 0 to 8"),
        ('[run]\ntask = "gan"', "expected one of .*dic.* for run.task, got 'gan'"),
        ("[run]\nsteps = 0", "expected run.steps and run.validate_every from 1 up"),
        ("[batch]\nsize = 0", "expected batch.size from 1 up"),
        ("run = 3", r"expected a table \[run\], got 3"),
        ("[optimiser]\nhalve_at = 5", "expected a list for optimiser.halve_at, got 5"),
        (
            "[optimiser]\nhalve_at = [5]",
            'expected optimiser.halve_at with optimiser.schedule = "halving" and only there',
        ),
        ('[optimiser]\nschedule = "halving"', 'expected optimiser.halve_at with optimiser.schedule = "halving"'),
        ("[optimiser]\ndecay_steps = 5", 'optimiser.decay_steps only with "constant-linear"'),
        ('[run]\nsteps = 4\n[optimiser]\nschedule = "constant-linear"\ndecay_steps = 5', "up to run.steps, got 5 of 4"),
        ("[optimiser]\ndecay_steps = -5", r"expected optimiser.\* from 0 up"),
        ("[run]\nkeep_every = -1", "run.seed, run.keep_every and run.workers from 0"),
        ("[run]\nworkers = -1", "run.seed, run.keep_every and run.workers from 0"),
        (
            "[optimiser]\ngradient_norm = 1.0",
            "optimiser.gradient_norm is now called optimiser.max_grad_norm; rename it",
        ),
        ("[run", "expected a TOML file"),
    ],
)
def test_wrong_values_say_what_was_expected(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "a.toml").write_text(text)
    with pytest.raises(ConfigError, match=message):
        read_config(tmp_path / "a.toml")


def test_an_override_of_the_old_table_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text("")
    with pytest.raises(ConfigError, match=r"the table \[lr\] is now called \[degradation\]"):
        read_config(tmp_path / "a.toml", ["lr.size_min=8"])


def test_overrides_win(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text("[run]\nsteps = 7\n")
    config = read_config(tmp_path / "a.toml", ["run.steps=9", "run.precision=bf16-mixed", "augmentation.exposure=2"])
    assert (config.run.steps, config.run.precision, config.augmentation.exposure) == (9, "bf16-mixed", 2.0)


def test_settings_of_a_config_can_be_changed(tmp_path: Path) -> None:
    before = read_config(CONFIGS / "paper" / "dic-celeba.toml")
    assert with_overrides(before, []) == before
    after = with_overrides(before, ["optimiser.halve_at=[1, 2]", "run.steps=9"])
    assert (after.run.steps, after.optimiser.halve_at, after.network) == (9, (1, 2), before.network)
    with pytest.raises(ConfigError, match=r"did you mean run\.steps"):
        with_overrides(before, ["run.step=9"])


def test_an_override_into_no_table_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text("run = 3")
    with pytest.raises(ConfigError, match=r"expected a table \[run\], got 3"):
        read_config(tmp_path / "a.toml", ["run.steps=1"])


def test_an_override_without_a_table_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text("")
    with pytest.raises(ConfigError, match=r"expected table.key=value, got 'steps=3'"):
        read_config(tmp_path / "a.toml", ["steps=3"])


def test_shipped_configs_have_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = shipped_configs()
    assert set(names.values()) == set(CONFIGS.rglob("*.toml"))
    assert read_config("paper/dic-celeba") == read_config(CONFIGS / "paper" / "dic-celeba.toml")
    # A file of one's own comes first.
    monkeypatch.chdir(tmp_path)
    (tmp_path / "lite").write_text("[run]\nsteps = 7\n")
    assert read_config("lite").run.steps == 7
    with pytest.raises(ConfigError, match=r"expected a TOML file or one of .*lite-256.*, got 'light'"):
        read_config("light")


def test_configs_lie_in_the_package() -> None:
    """So they are in the wheel as they are in a checkout, and nowhere a second time."""
    assert Path(dicface.__file__).parent / "configs" == CONFIGS
    assert not (Path(__file__).parent.parent.parent / "configs").exists()


@pytest.mark.parametrize("task", ["landmark", "hr-landmark", "dic", "dicgan", "sharp", "features", "finder", "image"])
def test_every_task_has_a_config_of_its_own(task: str) -> None:
    config = from_tables({"run": {"task": task}} | ({"network": {}} if task == "dic" else {}))
    assert config.run.task == task
    assert from_tables(resolved(config)) == config
    (kind,) = (kind for kind in TASKS if kind.config_type is type(config))
    assert kind.validation_faces == (500 if task == "features" else 200)


def test_a_setting_of_another_task_may_stand_there_empty(tmp_path: Path) -> None:
    """As in configs and runs of earlier versions."""
    empty = {"landmark_weights": "", "features_weights": "", "frozen_landmark_steps": 0, "steps_at": []}
    assert from_tables({"run": {"task": "finder", **empty}}) == FinderRun()
    with pytest.raises(ConfigError, match=r"run.steps_at is for the task 'dic'; leave it out of 'finder'"):
        from_tables({"run": {"task": "finder", **empty, "steps_at": [3]}})


def test_a_wrong_combination_cannot_be_written() -> None:
    with pytest.raises(TypeError, match="unexpected keyword argument 'gan'"):
        DICRun(gan=GANConfig())  # type: ignore[call-arg] - wrong, which is what is tested
    with pytest.raises(TypeError, match="unexpected keyword argument 'landmark_weights'"):
        FinderRunConfig(landmark_weights="branch")  # type: ignore[call-arg] - wrong, which is what is tested
