"""The tasks that a config can name."""

from typing import Any

from dicface.data.packs import FacePack
from dicface.training.config import TrainConfig
from dicface.training.dic import DICTask
from dicface.training.dicgan import DICGANTask
from dicface.training.features import FeaturesTask
from dicface.training.finder import FinderTask
from dicface.training.image import ImageTask
from dicface.training.landmarks import HRLandmarkTask, LandmarkTask
from dicface.training.task import Task

TASKS: tuple[type[Task[Any, Any]], ...] = (
    LandmarkTask,
    HRLandmarkTask,
    DICTask,
    DICGANTask,
    FeaturesTask,
    FinderTask,
    ImageTask,
)


def build_task(config: TrainConfig, train: FacePack) -> Task[Any, Any]:
    """The task whose config this is, untrained.

    Args:
        config: of the whole run.
        train: the faces it will learn from.

    Raises:
        ConfigError: it cannot be built from a config alone.
        PackError: it cannot learn from these faces.
    """
    (task,) = (task for task in TASKS if task.config_type is type(config))
    return task.build(config, train)
