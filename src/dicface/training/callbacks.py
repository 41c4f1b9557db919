"""What happens beside the training steps."""

from typing import Any

from lightning.pytorch.callbacks import WeightAveraging
from torch import Tensor


class AveragedWeights(WeightAveraging):
    """Exponential moving average of the weights, which is what gets measured and shipped.

    The decay rises with the number of steps, (1 + n) / (10 + n) up to its final value, or the random start would
    weigh on the average for the first thousands of steps.
    """

    def __init__(self, decay: float) -> None:
        def average(averaged: Tensor, current: Tensor, count: Any) -> Tensor:
            steps = float(count)
            return averaged.lerp(current, 1 - min(decay, (1 + steps) / (10 + steps)))

        super().__init__(avg_fn=average)

    def should_update(self, step_idx: int | None = None, epoch_idx: int | None = None) -> bool:
        """After every step."""
        return step_idx is not None
