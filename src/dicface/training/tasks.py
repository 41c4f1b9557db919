"""The task of each type of config."""

from typing import Any

from dicface.data.packs import FacePack
from dicface.training.config import TrainConfig
from dicface.training.dic import DICTask
from dicface.training.dicgan import DICGANTask
from dicface.training.features import FeaturesTask
from dicface.training.finder import FinderTask
from dicface.training.image import ImageTask
from dicface.training.landmarks import HRLandmarkTask, LandmarkTask
from dicface.training.sharp import SharpTask
from dicface.training.task import Task

TASKS: tuple[type[Task[Any, Any]], ...] = (
    LandmarkTask,
    HRLandmarkTask,
    DICTask,
    DICGANTask,
    SharpTask,
    FeaturesTask,
    FinderTask,
    ImageTask,
)


def build_task(config: TrainConfig, train: FacePack) -> Task[Any, Any]:
    """Create the untrained task of a config.

    Args:
        config: config of the run.
        train: faces to learn from.

    Raises:
        ConfigError: the task needs more than a config, as `image` does.
        PackError: the task cannot learn from these faces.
    """
    (task,) = (task for task in TASKS if task.config_type is type(config))
    return task.build(config, train)
