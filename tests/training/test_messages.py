"""Lightning's advertisements are left out, its warnings are not."""

import logging
import warnings
from pathlib import Path

import lightning
import pytest
from lightning.pytorch.utilities import rank_zero_info, rank_zero_warn

from dicface.training.messages import LOGGERS, no_advertisements
from tests.support.training import run, small


def test_tips_are_left_out_and_the_rest_is_not(caplog: pytest.LogCaptureFixture) -> None:
    loggers = [logging.getLogger(name) for name in LOGGERS]
    for logger in loggers:
        logger.addHandler(caplog.handler)
    try:
        with no_advertisements():
            # Where Lightning's own logger is not used, it is recommended.
            lightning.Trainer(accelerator="cpu", logger=False)
            rank_zero_info("the run says something")
            with pytest.warns(UserWarning, match="a real warning"):
                rank_zero_warn("a real warning")
        inside = caplog.text
        rank_zero_info("\N{ELECTRIC LIGHT BULB} Tip: outside")
    finally:
        for logger in loggers:
            logger.removeHandler(caplog.handler)
    assert "the run says something" in inside
    assert "Tip" not in inside
    assert "Tip: outside" in caplog.text


def test_warnings_beside_the_point_are_left_out() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with no_advertisements():
            rank_zero_warn("Checkpoint directory /runs/lite exists and is not empty.")
            rank_zero_warn("The 'train_dataloader' does not have many workers which may be a bottleneck.")


def test_a_run_says_nothing_of_how_checkpoints_are_saved(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    logger = logging.getLogger("lightning.pytorch")
    logger.addHandler(caplog.handler)
    try:
        run(small("landmark-lite", "run.steps=1"), tmp_path, "run")
    finally:
        logger.removeHandler(caplog.handler)
    assert "max_steps=1" in caplog.text
    assert "weights_only" not in caplog.text
