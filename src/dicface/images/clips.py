"""Names of clips, and whether the extra that reads them is installed."""

import os
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from dicface.errors import UsageError

CodecName = Literal["h264", "h265", "vp9", "av1"]
"""Codecs of results."""
CLIP_SUFFIXES = (".mp4", ".m4v", ".mov", ".mkv", ".webm")
"""Of clips that are read and written."""


def is_clip(name: str | Path) -> bool:
    """Whether a name has the suffix of a clip."""
    return os.path.splitext(name)[1].lower() in CLIP_SUFFIXES  # noqa: PTH122 - of a million names


def lacks_video() -> bool:
    """Whether the extra `video` is missing."""
    return find_spec("av") is None


def need_video_extra() -> None:
    """Check that clips can be read.

    Raises:
        UsageError: the extra is not installed.
    """
    if lacks_video():
        raise UsageError("clips need the extra video; pip install 'dicface[video]'")
