"""Names of choices about batches, apart from what they import."""

from typing import Literal

SkipMode = Literal["settings", "any"]
"""Skip results that were made with the same settings, or any that are there."""
