"""Which of Lightning's messages a run passes on."""

import logging
import warnings
from collections.abc import Generator
from contextlib import contextmanager

LOGGERS = ("lightning.fabric.utilities.rank_zero", "lightning.pytorch.utilities.rank_zero")
"""One of them has the messages of the first process; which one depends on what was imported first."""
ADVERTISEMENT = "\N{ELECTRIC LIGHT BULB} Tip:"
BESIDE_THE_POINT = (
    # Whether the folder may be written to was checked before.
    r"Checkpoint directory .* exists and is not empty",
    r"Precision .* is not supported by the model summary",
    # `run.workers` is for training, where it is the user's choice; what is validated on lies in memory.
    r"The '\w+_dataloader' does not have many workers",
    r"`isinstance\(treespec, LeafSpec\)` is deprecated",
)
"""Regular expressions for the beginnings of Lightning's warnings that say nothing about a run of ours."""


def _says_something(record: logging.LogRecord) -> bool:
    return not record.getMessage().startswith(ADVERTISEMENT)


@contextmanager
def no_advertisements() -> Generator[None]:
    """Leave out Lightning's tips to install other products, and warnings that are beside the point."""
    loggers = [logging.getLogger(name) for name in LOGGERS]
    for logger in loggers:
        logger.addFilter(_says_something)
    try:
        with warnings.catch_warnings():
            for message in BESIDE_THE_POINT:
                warnings.filterwarnings("ignore", message)
            yield
    finally:
        for logger in loggers:
            logger.removeFilter(_says_something)
