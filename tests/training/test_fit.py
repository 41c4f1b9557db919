"""Runs train, resume where they stopped, and leave weights that load."""

import hashlib
import json
import subprocess
import warnings
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest
import torch

from dicface.checkpoints.networks import load_network, load_run, read_tensors
from dicface.data.batches import target_heatmaps
from dicface.errors import CheckpointError, ConfigError, PackError, TrainingError
from dicface.training.config import ImageRun, resolved
from dicface.training.config_files import with_overrides
from dicface.training.fit import fit
from dicface.training.task import Column
from tests.support.packs import write_pack
from tests.support.training import CONFIGS, raise_interrupt, run, run_but, send_sigterm, small


@pytest.mark.slow
@pytest.mark.parametrize("config", sorted(str(p.relative_to(CONFIGS).with_suffix("")) for p in CONFIGS.rglob("*.toml")))
def test_every_shipped_config_trains_three_steps(tmp_path: Path, config: str) -> None:
    settings = small(config, "run.steps=3", "run.validate_every=3")
    weights = run(settings, tmp_path, "run")
    assert all(value.isfinite().all() for value in read_tensors(weights)[0].values())
    saved = json.loads((tmp_path / "run" / "config.json").read_text())
    assert saved["run"]["steps"] == 3
    assert saved == resolved(settings)


@pytest.mark.slow
@pytest.mark.parametrize("config", ["lite", "dicgan", "lite-sharp", "landmarks-hr", "features", "finder"])
def test_a_resumed_run_equals_a_straight_one(tmp_path: Path, config: str) -> None:
    settings = small(config, "run.steps=4", "run.validate_every=2")
    straight = run(settings, tmp_path, "straight")
    with pytest.raises(SystemExit):
        run_but(settings, tmp_path, "halved", 2, raise_interrupt)
    resumed = run(settings, tmp_path, "halved", resume=True)
    one, other = read_tensors(straight)[0], read_tensors(resumed)[0]
    assert all(torch.equal(one[key], other[key]) for key in one)


@pytest.mark.slow
@pytest.mark.parametrize("config", ["lite", "finder"])
def test_workers_draw_the_same_batches_in_order(tmp_path: Path, config: str) -> None:
    settings = small(config, "run.steps=6", "run.validate_every=3")
    alone = run(settings, tmp_path, "alone")
    shared = with_overrides(settings, ["run.workers=2"])
    with pytest.raises(SystemExit):
        run_but(shared, tmp_path, "shared", 3, raise_interrupt)
    resumed = run(shared, tmp_path, "shared", resume=True)
    one, other = read_tensors(alone)[0], read_tensors(resumed)[0]
    assert all(torch.allclose(one[key], other[key], atol=1e-6) for key in one)


def test_a_network_of_ones_own_needs_a_caller_that_brings_it(tmp_path: Path) -> None:
    settings = ImageRun()
    with pytest.raises(ConfigError, match=r"expected a network from the caller of fit for run.task 'image'"):
        run(settings, tmp_path, "run")


@pytest.mark.slow
def test_a_run_told_to_stop_saves_itself_and_goes_on(tmp_path: Path) -> None:
    settings = small("lite", "run.steps=4", "run.validate_every=4")
    straight = run(settings, tmp_path, "straight")
    with pytest.raises(TrainingError, match="told to stop at step 2; `resume` goes on from there"):
        run_but(settings, tmp_path, "told", 1, send_sigterm)
    assert not (tmp_path / "told" / "weights.safetensors").exists()
    resumed = run(settings, tmp_path, "told", resume=True)
    one, other = read_tensors(straight)[0], read_tensors(resumed)[0]
    assert all(torch.equal(one[key], other[key]) for key in one)


@pytest.mark.slow
@pytest.mark.parametrize("steps", [5, 6], ids=["between checkpoints", "at the end"])
def test_a_loss_that_is_not_finite_stops_the_run(tmp_path: Path, steps: int) -> None:
    settings = small("lite", f"run.steps={steps}", "run.validate_every=2")
    with pytest.raises(TrainingError, match="expected a finite loss, got NaN or infinity at step 4"):
        run_but(settings, tmp_path, "run", 3, lambda loss: loss * float("nan"))
    assert not (tmp_path / "run" / "weights.safetensors").exists()
    kept = load_run(tmp_path / "run" / "last.ckpt")
    assert all(value.isfinite().all() for value in kept.state_dict().values())


@pytest.mark.slow
def test_weights_that_are_not_finite_stop_the_run(tmp_path: Path) -> None:
    """A gradient may be NaN where the loss is finite."""

    def poison(loss: torch.Tensor) -> torch.Tensor:
        loss.register_hook(lambda gradient: gradient * float("nan"))
        return loss

    settings = small("lite", "run.steps=5", "run.validate_every=2", "optimiser.max_grad_norm=0.0")
    with pytest.raises(TrainingError, match="expected finite weights, got NaN or infinity by step 4"):
        run_but(settings, tmp_path, "run", 3, poison)
    assert not (tmp_path / "run" / "weights.safetensors").exists()
    kept = load_run(tmp_path / "run" / "last.ckpt")
    assert all(value.isfinite().all() for value in kept.state_dict().values())


@pytest.mark.slow
def test_a_resumed_run_takes_its_rate_from_the_config(tmp_path: Path) -> None:
    start = ("run.steps=2", "run.validate_every=2", "optimiser.ema_decay=0.0")
    before = read_tensors(run(small("ablation", *start), tmp_path, "run"))[0]
    still = ("run.steps=4", "optimiser.ema_decay=0.0", "optimiser.learning_rate=0.0")
    after = read_tensors(run(small("ablation", *still), tmp_path, "run", resume=True))[0]
    assert all(torch.equal(before[key], after[key]) for key in before)


@pytest.mark.parametrize("changed", ["run.seed=7", "batch.size=4"])
def test_a_resumed_run_keeps_what_its_batches_hang_on(tmp_path: Path, changed: str) -> None:
    run(small("lite", "run.steps=1"), tmp_path, "run")
    with pytest.raises(ConfigError, match="of the run to resume"):
        run(small("lite", "run.steps=2", changed), tmp_path, "run", resume=True)


def test_a_resumed_run_keeps_its_faces(tmp_path: Path) -> None:
    run(small("lite", "run.steps=1"), tmp_path, "run")
    write_pack(tmp_path / "faces.parquet", 10, seed=1)
    with pytest.raises(ConfigError, match="expected the packs of the run to resume"):
        run(small("lite", "run.steps=2"), tmp_path, "run", resume=True)


@pytest.mark.slow
def test_a_checkpoint_knows_the_best_measurement(tmp_path: Path) -> None:
    run(small("lite", "run.steps=2", "run.validate_every=2"), tmp_path, "run")
    checkpoint = torch.load(tmp_path / "run" / "last.ckpt", weights_only=True)
    (best,) = (state for state in checkpoint["callbacks"].values() if state.get("monitor") == "val_score")
    assert best["best_model_score"] is not None
    # Their names are part of the file: runs of older versions have these.
    assert sum(key.startswith("ModelCheckpoint{") for key in checkpoint["callbacks"]) == 3


@pytest.mark.slow
def test_a_moved_run_keeps_its_best_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run(small("ablation", "run.steps=2", "run.validate_every=2"), tmp_path, "run")
    (tmp_path / "run").rename(tmp_path / "moved")
    best = (tmp_path / "moved" / "best.ckpt").read_bytes()
    for psnr, kept in ((0.0, True), (99.0, False)):
        always = SimpleNamespace(psnr=lambda *_, psnr=psnr: np.full(1, psnr))
        monkeypatch.setattr("dicface.training.dic.Y_CROP8", always)
        steps = 4 if kept else 6
        run(small("ablation", f"run.steps={steps}", "run.validate_every=2"), tmp_path, "moved", resume=True)
        assert ((tmp_path / "moved" / "best.ckpt").read_bytes() == best) is kept
    assert sorted(path.name for path in (tmp_path / "moved").glob("*.ckpt")) == ["best.ckpt", "last.ckpt"]


def test_a_missing_pack_is_named(tmp_path: Path) -> None:
    with pytest.raises(PackError, match=r"found no file '.*typo\.parquet'"):
        fit(small("lite"), [tmp_path / "typo.parquet"], None, tmp_path / "run")


@pytest.mark.slow
def test_a_resumed_run_needs_no_weights_to_start_from(tmp_path: Path) -> None:
    branch = run(small("landmark-lite", "run.steps=1"), tmp_path, "landmark")
    start = f"run.landmark_weights={branch}"
    run(small("ablation", "run.steps=1", start), tmp_path, "run")
    branch.unlink()
    assert run(small("ablation", "run.steps=2", start), tmp_path, "run", resume=True).exists()


def test_a_resumed_run_without_its_history_is_refused(tmp_path: Path) -> None:
    run(small("lite", "run.steps=1"), tmp_path, "run")
    (tmp_path / "run" / "run.json").write_text("[")
    with pytest.raises(ConfigError, match="expected the provenance of the run to resume"):
        run(small("lite", "run.steps=2"), tmp_path, "run", resume=True)


@pytest.mark.slow
def test_weights_carry_the_last_measurement(tmp_path: Path) -> None:
    weights = run(small("lite", "run.steps=2", "run.validate_every=2"), tmp_path, "run")
    score = read_tensors(weights)[1]["val_score"]
    weights.unlink()
    again = run(small("lite", "run.steps=2", "run.validate_every=2"), tmp_path, "run", resume=True)
    assert read_tensors(again)[1]["val_score"] == score


@pytest.mark.slow
def test_a_run_says_what_it_was_made_from(tmp_path: Path) -> None:
    run(small("ablation", "run.steps=1", "run.validate_every=1"), tmp_path, "run")
    run(small("ablation", "run.steps=2", "run.validate_every=1"), tmp_path, "run", resume=True)
    starts = json.loads((tmp_path / "run" / "run.json").read_text())["starts"]
    assert len(starts) == 2
    made = starts[0]
    pack = tmp_path / "faces.parquet"
    digest = hashlib.sha256(pack.read_bytes()).hexdigest()
    assert made["data"] == [{"file": "faces.parquet", "bytes": pack.stat().st_size, "sha256": digest}]
    assert made["validation"] == made["data"]
    assert made["faces"] == 10
    assert made["torch"] == torch.__version__
    head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=CONFIGS, capture_output=True, text=True, check=False)
    assert (made["commit"] or "").removesuffix("+changes") == head.stdout.strip()


@pytest.mark.slow
def test_the_log_shows_every_step_with_landmarks(tmp_path: Path) -> None:
    run(small("lite", "run.steps=2", "run.validate_every=2"), tmp_path, "run")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    log = EventAccumulator(str(tmp_path / "run" / "log"))
    log.Reload()
    assert {"val_psnr_16_step1", "val_psnr_32_step1", "val_score"} <= set(cast("list[str]", log.Tags()["scalars"]))
    (picture,) = log.Images("faces")
    # At 16 and at 32 px: the enlarged input and two steps; then the truth; six faces.
    assert (picture.width, picture.height) == (7 * 128 + 6 * 2, 6 * 128)


def test_picture_grids_draw_landmarks() -> None:
    from dicface.training.callbacks import picture_grid

    grey = torch.full((2, 3, 128, 128), 0.5)
    heatmaps = target_heatmaps(torch.full((2, 68, 2), 40.0))
    plain, dotted = np.split(picture_grid([Column(grey), Column(grey, heatmaps)])[:, :256], [128], axis=1)
    assert (plain == 128).all()
    assert (dotted[40, 42] != 128).any()


@pytest.mark.slow
def test_dic_starts_from_the_pretrained_landmark_branch(tmp_path: Path) -> None:
    branch = run(small("landmark-lite", "run.steps=2", "run.validate_every=2"), tmp_path, "landmark")
    still = (f"run.landmark_weights={branch}", "run.frozen_landmark_steps=9", "optimiser.weight_decay=0.0")
    weights = run(small("lite", "run.steps=2", "run.validate_every=2", *still), tmp_path, "dic")
    pretrained, trained = read_tensors(branch)[0], load_network(weights).landmark.state_dict()
    assert all(torch.equal(pretrained[key], trained[key]) for key in pretrained)


@pytest.mark.slow
def test_checkpoints_of_a_run_export_like_its_weights(tmp_path: Path) -> None:
    weights = run(small("lite", "run.steps=2", "run.validate_every=2"), tmp_path, "run")
    finished, checkpoint = load_network(weights), load_run(tmp_path / "run" / "last.ckpt")
    lr = torch.rand(1, 3, 16, 16)
    with torch.inference_mode():
        torch.testing.assert_close(finished(lr).sr, checkpoint(lr).sr)


@pytest.mark.slow
def test_a_run_killed_before_its_last_line_gives_the_averaged_weights(tmp_path: Path) -> None:
    settings = small("lite", "run.steps=4", "run.validate_every=2", "optimiser.ema_decay=0.9")
    weights = run(settings, tmp_path, "run")
    wanted = read_tensors(weights)[0]
    weights.unlink()
    found = read_tensors(run(settings, tmp_path, "run", resume=True))[0]
    assert all(torch.equal(wanted[key], found[key]) for key in wanted)


@pytest.mark.slow
def test_a_second_run_does_not_overwrite_the_first(tmp_path: Path) -> None:
    config = small("lite", "run.steps=1", "run.validate_every=1")
    run(config, tmp_path, "run")
    with pytest.raises(ConfigError, match="already holds a run; add `resume`"):
        run(config, tmp_path, "run")
    with pytest.raises(ConfigError, match="holds no checkpoint; leave out `resume`"):
        run(config, tmp_path, "other", resume=True)


@pytest.mark.slow
def test_a_resumed_run_keeps_its_network(tmp_path: Path) -> None:
    run(small("lite", "run.steps=1", "run.validate_every=1"), tmp_path, "run")
    with pytest.raises(ConfigError, match=r"expected \[network\] of the run to resume"):
        run(small("lite", "run.steps=2", "network.features=6"), tmp_path, "run", resume=True)
    assert json.loads((tmp_path / "run" / "config.json").read_text())["network"]["features"] == 4


@pytest.mark.slow
def test_a_run_from_before_a_setting_existed_resumes(tmp_path: Path) -> None:
    run(small("ablation", "run.steps=1", "run.validate_every=1"), tmp_path, "run")
    path = tmp_path / "run" / "config.json"
    saved = json.loads(path.read_text())
    del saved["network"]["attention"], saved["network"]["detach_attention"]
    path.write_text(json.dumps(saved))
    run(small("ablation", "run.steps=2", "run.validate_every=1"), tmp_path, "run", resume=True)
    assert json.loads(path.read_text())["network"]["attention"] == "components"


@pytest.mark.parametrize(
    "setting",
    ["network.steps=1", "network.attention=one-map", "network.attention=concatenation", "network.attention=none"],
)
def test_every_ablation_trains(tmp_path: Path, setting: str) -> None:
    config = small("ablation", "run.steps=2", "run.validate_every=2", setting)
    assert load_network(run(config, tmp_path, "run")).config == config.network


def test_foreign_landmark_weights_are_refused(tmp_path: Path) -> None:
    branch = run(small("landmark-lite", "run.steps=1", "run.validate_every=1"), tmp_path, "landmark")
    wider = small("lite", f"run.landmark_weights={branch}", "network.hourglass_width=12")
    with pytest.raises(CheckpointError, match="expected shape"):
        run(wider, tmp_path, "dic")


@pytest.mark.slow
def test_dicgan_starts_from_dic_and_compares_features(tmp_path: Path) -> None:
    start = run(small("dic", "run.steps=1", "run.validate_every=1"), tmp_path, "dic")
    features = run(small("features", "run.steps=1", "run.validate_every=1"), tmp_path, "features")
    settings = (f"run.network_weights={start}", f"run.features_weights={features}", "gan.feature=0.1")
    weights = run(
        small("dicgan", "run.steps=2", "run.validate_every=2", "run.frozen_landmark_steps=2", *settings),
        tmp_path,
        "gan",
    )
    before, after = load_network(start).state_dict(), load_network(weights).state_dict()
    moved = {key for key in before if not torch.equal(before[key], after[key])}
    assert moved
    assert not any(key.startswith("landmark.") for key in moved)


def test_dicgan_starts_from_dic(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"expected run\.network_weights, the result of a run of the `dic` task"):
        run(small("dicgan", "run.network_weights="), tmp_path, "run")


def test_dicgan_without_features_says_where_to_get_them(tmp_path: Path) -> None:
    with pytest.raises(
        ConfigError, match=r"expected run\.features_weights, the result of a run of the `features` task"
    ):
        run(small("dicgan", "gan.feature=0.1"), tmp_path, "run")


def test_features_need_known_identities(tmp_path: Path) -> None:
    pack = write_pack(tmp_path / "strangers.parquet", 4, identities=False)
    with pytest.raises(PackError, match="expected two identities and two faces of one of them, got 0 faces"):
        fit(small("features"), [pack], None, tmp_path / "run")
