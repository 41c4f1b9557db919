"""What `dicface` offers, name by name: adding one is a decision, and losing one breaks somebody's code."""

import subprocess
import sys

import pytest

import dicface
from dicface import errors

FUNCTIONS = {"locate", "open_large_faces", "read_photo", "restore_file", "upscale_file", "write_photo"}
CLASSES = {
    "BackgroundModel",
    "Box",
    "Detection",
    "Detector",
    "Face",
    "FaceLandmarks",
    "FaceModel",
    "FaceSteps",
    "FaceTrack",
    "FileResult",
    "FoundFaces",
    "LandmarkModel",
    "Outcome",
    "Output",
    "Photo",
    "PhotoLandmarks",
    "QualityWarning",
    "Restoration",
    "RestoreBatch",
    "RestoredFrame",
    "Restorer",
    "Square",
    "UpscaleBatch",
    "VideoResult",
}
ERRORS = {
    "BenchmarkError",
    "CheckpointError",
    "ClipError",
    "ConfigError",
    "DicfaceError",
    "ImageError",
    "InputError",
    "OutputError",
    "PackError",
    "TooLargeError",
    "TooLongError",
    "TrainingError",
    "UnknownModelError",
    "UsageError",
}


def test_these_names_are_public_and_no_others() -> None:
    public = FUNCTIONS | CLASSES | ERRORS | {"__version__"}
    assert set(dicface.__all__) == public
    assert dicface.__all__ == sorted(public)
    assert set(dir(dicface)) == public


@pytest.mark.parametrize("name", sorted(FUNCTIONS | CLASSES | ERRORS))
def test_a_public_name_is_what_it_says(name: str) -> None:
    value = getattr(dicface, name)
    assert value.__name__ == name
    assert value.__doc__


def test_another_name_is_no_attribute() -> None:
    with pytest.raises(AttributeError, match="module 'dicface' has no attribute 'Result'"):
        _ = dicface.Result  # pyright: ignore[reportAttributeAccessIssue] - which is what is tested


def test_every_error_is_in_the_tree() -> None:
    defined = {name for name, value in vars(errors).items() if isinstance(value, type)}
    assert defined == ERRORS
    for name in defined:
        assert issubclass(getattr(errors, name), errors.DicfaceError)
        assert name in (errors.__doc__ or "")
    assert issubclass(errors.UsageError, ValueError)


def test_the_package_is_imported_in_a_moment_and_says_nothing() -> None:
    """Its log has a handler that drops everything, so that an application without logging sees none of it."""
    code = (
        "import sys, logging, dicface\n"
        "assert not {'numpy', 'PIL', 'onnxruntime', 'dlib'} & set(sys.modules)\n"
        "logging.getLogger('dicface').warning('unheard')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("", "")
