"""Names of the detectors, apart from what they import."""

from typing import Literal

DetectorName = Literal["face", "dlib", "dlib-fast", "dlib-thorough"]
DEFAULT_DETECTOR: DetectorName = "face"
