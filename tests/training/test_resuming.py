"""Runs are prolonged, decayed from a checkpoint and resumed with their own config."""

import hashlib
import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from dicface.checkpoints.networks import load_run, read_tensors
from dicface.errors import CheckpointError, ConfigError, TrainingError
from dicface.training.config import TrainConfig
from dicface.training.config_files import with_overrides
from dicface.training.parsing import RENAMED
from dicface.training.resuming import adopt, changed_settings, decay_config, read_origin, read_saved_config
from tests.support.lanes import slow
from tests.support.training import run, run_but, send_sigterm, small

FALLING = ("optimiser.schedule=constant-linear", "optimiser.warmup_steps=2", "run.validate_every=4")


def decaying(*overrides: str, config: str = "lite") -> TrainConfig:
    """Six steps, the last three of which are a decay."""
    return small(config, *FALLING, "run.steps=6", "optimiser.decay_steps=3", *overrides)


def assert_equal(one: Path, other: Path) -> None:
    wanted, found = read_tensors(one)[0], read_tensors(other)[0]
    assert all(torch.equal(wanted[key], found[key]) for key in wanted)


def stopped(settings: TrainConfig, folder: Path, name: str, step: int) -> None:
    """A run that was told to stop, and saved itself after a step."""
    with pytest.raises(TrainingError, match=f"told to stop at step {step}"):
        run_but(settings, folder, name, step - 1, send_sigterm)


@pytest.mark.slow
@pytest.mark.parametrize("step", [3, *slow([5])])  # before the decay and in it
def test_a_run_stopped_at_any_step_equals_a_straight_one(tmp_path: Path, step: int) -> None:
    straight = run(decaying(), tmp_path, "straight")
    stopped(decaying(), tmp_path, "stopped", step)
    assert_equal(straight, run(decaying(), tmp_path, "stopped", resume=True))


@pytest.mark.slow
def test_a_run_can_be_prolonged_while_its_rate_is_constant(tmp_path: Path) -> None:
    straight = run(decaying("run.steps=8"), tmp_path, "straight")
    stopped(decaying(), tmp_path, "prolonged", 3)
    assert_equal(straight, run(decaying("run.steps=8"), tmp_path, "prolonged", resume=True))


@pytest.mark.slow
def test_a_run_whose_rate_decays_cannot_be_prolonged(tmp_path: Path) -> None:
    stopped(decaying(), tmp_path, "run", 4)
    message = (
        "for a decay from step 3 to 6 in which step 4 lies, got one from 5 to 8; prolong the run from a checkpoint"
    )
    with pytest.raises(ConfigError, match=message):
        run(decaying("run.steps=8"), tmp_path, "run", resume=True)
    with pytest.raises(ConfigError, match="as they were, for a decay from step 3"):
        run(decaying("optimiser.decay_steps=2"), tmp_path, "run", resume=True)


@pytest.mark.slow
@pytest.mark.parametrize("config", ["lite", "dicgan", "lite-sharp", "landmarks-hr", "features", "finder"])
def test_a_fall_from_a_checkpoint_equals_a_run_that_falls_there(tmp_path: Path, config: str) -> None:
    """Weights, moments, averages and the position in the data are those of the checkpoint, stops included."""
    straight = run(decaying(config=config), tmp_path, "straight")
    long = decaying("run.steps=20", "run.keep_every=3", config=config)
    stopped(long, tmp_path, "long", 4)
    kept, before = tmp_path / "long" / "step-00000003.ckpt", contents(tmp_path / "long")
    assert_equal(straight, run(long, tmp_path, "decay", decay_from=kept))
    if config == "lite":
        with pytest.raises(TrainingError, match="told to stop at step 5"):
            run_but(long, tmp_path, "halved", 4, send_sigterm, decay_from=kept)
        saved = read_saved_config(tmp_path / "halved")
        assert (saved.run.steps, saved.optimiser.decay_steps) == (6, 3)
        assert_equal(straight, run(saved, tmp_path, "halved", resume=True))
    assert contents(tmp_path / "long") == before


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.glob("*.*")}


@pytest.mark.slow
def test_the_original_goes_on_in_its_constant_part(tmp_path: Path) -> None:
    long = decaying("run.steps=10")
    straight = run(long, tmp_path, "straight")
    stopped(long, tmp_path, "long", 4)
    run(long, tmp_path, "decay", decay_from=tmp_path / "long" / "last.ckpt")
    assert_equal(straight, run(long, tmp_path, "long", resume=True))
    # What the decay began with is still there, and says what led to it.
    started = torch.load(tmp_path / "decay" / "start.ckpt", weights_only=True)["global_step"]
    starts = json.loads((tmp_path / "decay" / "run.json").read_text())["starts"]
    digest = hashlib.sha256((tmp_path / "decay" / "start.ckpt").read_bytes()).hexdigest()
    assert (started, [made["step"] for made in starts]) == (4, [0, 4])
    assert [made["sha256"] for made in starts[1]["weights"]] == [digest]


@pytest.mark.slow
def test_a_fall_measures_its_own_best(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The original's best score is no measure for a folder that lacks the original's best weights."""
    long = decaying("run.steps=20", "run.validate_every=2")
    for folder, psnr in (("long", 99.0), ("decay", 1.0)):
        always = SimpleNamespace(psnr=lambda *_, psnr=psnr: np.full(1, psnr))
        monkeypatch.setattr("dicface.training.dic.Y_CROP8", always)
        if folder == "long":
            stopped(long, tmp_path, "long", 3)
        else:
            run(long, tmp_path, "decay", decay_from=tmp_path / "long" / "last.ckpt")
    assert (tmp_path / "decay" / "best.ckpt").exists()


@pytest.mark.slow
def test_numbered_checkpoints_are_kept_and_export(tmp_path: Path) -> None:
    run(decaying("run.keep_every=2"), tmp_path, "run")
    kept = sorted((tmp_path / "run").glob("step-*.ckpt"))
    assert [path.name for path in kept] == [f"step-0000000{step}.ckpt" for step in (2, 4, 6)]
    assert [torch.load(path, weights_only=True)["global_step"] for path in kept] == [2, 4, 6]
    wanted, found = load_run(tmp_path / "run" / "last.ckpt").state_dict(), load_run(kept[-1]).state_dict()
    assert all(torch.equal(wanted[key], found[key]) for key in wanted)


@pytest.mark.slow
def test_a_decay_starts_in_the_constant_part(tmp_path: Path) -> None:
    settings = decaying("optimiser.warmup_steps=3", "run.keep_every=1", "run.steps=7")
    run(settings, tmp_path, "run")
    for step, fine in ((2, False), (3, True), (4, True), (5, False)):
        origin = read_origin(tmp_path / "run" / f"step-0000000{step}.ckpt")
        if fine:
            assert decay_config(settings, origin).run.steps == step + 3
            # A fifth of the whole run.
            by_share = decay_config(with_overrides(settings, ["optimiser.decay_steps=0"]), origin._replace(step=4))
            assert (by_share.run.steps, by_share.optimiser.decay_steps) == (5, 1)
        else:
            with pytest.raises(ConfigError, match=f"constant part, of step 3 to 4, got one of step {step}"):
                run(settings, tmp_path, "decay", decay_from=origin.checkpoint)
    cosine = small("lite", "optimiser.schedule=cosine", "run.steps=7")
    with pytest.raises(ConfigError, match='"constant-linear" for a run that starts with the decay'):
        run(cosine, tmp_path, "decay", decay_from=tmp_path / "run" / "step-00000003.ckpt")
    assert not (tmp_path / "decay").exists()


@pytest.mark.slow
def test_a_decay_keeps_network_and_faces(tmp_path: Path) -> None:
    run(decaying("run.keep_every=3"), tmp_path, "run")
    kept = tmp_path / "run" / "step-00000003.ckpt"
    with pytest.raises(ConfigError, match=r"expected \[network\] of the run to resume"):
        run(decaying("network.features=6"), tmp_path, "decay", decay_from=kept)
    with pytest.raises(ConfigError, match="expected one of resume and decay_from, got both"):
        run(decaying(), tmp_path, "decay", resume=True, decay_from=kept)
    with pytest.raises(ConfigError, match="already holds a run"):
        run(decaying(), tmp_path, "run", decay_from=kept)


@pytest.mark.slow
def test_a_decay_needs_a_whole_checkpoint(tmp_path: Path) -> None:
    run(decaying("run.keep_every=3"), tmp_path, "run")
    missing, broken = tmp_path / "run" / "step-00000009.ckpt", tmp_path / "run" / "broken.ckpt"
    broken.write_bytes((tmp_path / "run" / "step-00000003.ckpt").read_bytes()[:1000])
    for checkpoint, why in ((missing, "found nothing at"), (broken, "could not read")):
        with pytest.raises(CheckpointError, match=f"expected a checkpoint of a run, {why} .*{checkpoint.name}"):
            run(decaying(), tmp_path, "decay", decay_from=checkpoint)


@pytest.mark.slow
def test_a_checkpoint_that_was_replaced_meanwhile_is_refused(tmp_path: Path) -> None:
    run(decaying("run.keep_every=3"), tmp_path, "run")
    origin = read_origin(tmp_path / "run" / "step-00000003.ckpt")
    (tmp_path / "run" / "last.ckpt").replace(origin.checkpoint)
    with pytest.raises(CheckpointError, match="expected the checkpoint of step 3, which the run that writes"):
        adopt(origin, tmp_path / "decay")
    assert not list((tmp_path / "decay").iterdir())


def save_config(folder: Path, tables: dict[str, dict[str, object]]) -> None:
    (folder / "config.json").write_text(json.dumps(tables))


def test_a_saved_config_is_read_under_its_old_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(RENAMED, "old_run", "run")
    optimiser: dict[str, object] = {"gradient_norm": 2.0, "halve_at": [5, 9], "learning_rate": 0.5}
    save_config(tmp_path, {"old_run": {"steps": 77}, "optimiser": optimiser})
    saved = read_saved_config(tmp_path)
    assert (saved.run.steps, saved.optimiser.max_grad_norm, saved.optimiser.learning_rate) == (77, 2.0, 0.5)
    assert (saved.optimiser.schedule, saved.optimiser.halve_at) == ("halving", (5, 9))
    save_config(tmp_path, {"optimiser": {"halve_at": []}})
    assert read_saved_config(tmp_path).optimiser.schedule == "cosine"


@pytest.mark.parametrize("text", ["[", "[]", '{"run": 3}', '{"run": {"stepz": 3}}'])
def test_a_saved_config_that_cannot_be_read_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "config.json").write_text(text)
    with pytest.raises(ConfigError, match=r"expected the run's config.json beside its checkpoint in '.*': "):
        read_saved_config(tmp_path)


def test_changed_settings_are_named_with_both_values() -> None:
    before = small("lite")
    after = with_overrides(before, ["optimiser.learning_rate=3e-4", "run.precision=bf16-mixed"])
    assert changed_settings(before, before) == []
    assert changed_settings(before, after) == [
        'run.precision: "32-true" -> "bf16-mixed"',
        "optimiser.learning_rate: 0.0006 -> 0.0003",
    ]


def test_the_degradation_of_an_older_run_is_understood(tmp_path: Path) -> None:
    degradation = {"size_min": 8, "size_max": 64, "degradation": "camera", "sensor_min": 0.5, "jpeg_min": 40}
    saved = {"run": {"task": "dic"}, "network": {"stem": "any-size"}, "lr": degradation}
    (tmp_path / "config.json").write_text(json.dumps(saved))
    read = read_saved_config(tmp_path).degradation
    assert (read.kind, read.size_max, read.sensor_scale_min, read.jpeg_min) == ("camera", 64, 0.5, 40)
    # Every face had every fault then.
    assert read.jpeg_share == read.noise_share == read.blur_share == 1
