"""What the page says to its visitors: outcomes, warnings and errors in everyday words."""

from collections.abc import Mapping
from pathlib import PurePath
from shlex import quote
from typing import Any

from dicface.errors import DicfaceError, ImageError, TooLargeError, TooLongError
from dicface.images.clips import is_clip
from dicface.restoration.quality import QualityWarning
from dicface.restoration.results import Face, Outcome

OUTCOMES: Mapping[Outcome, str] = {
    Outcome.RESTORED: "will be restored",
    Outcome.TOO_LARGE: "left as it is: it is large enough already, and would not gain",
    Outcome.TOO_SMALL: "left as it is: it is too small to restore",
    Outcome.PROFILE: "left as it is: it is seen from the side",
    Outcome.FLAT: "left as it is: it has no light and shade to work with",
    Outcome.DOUBTFUL: "left as it is: it may not be a face",
    Outcome.OTHER_SIZE: "left as it is: it does not have the size that was asked for",
    Outcome.NOT_CHOSEN: "left as it is: it was taken out",
}
WARNINGS: Mapping[QualityWarning, str] = {
    QualityWarning.TOO_LARGE: "larger than what can be improved",
    QualityWarning.TOO_DARK: "very dark",
    QualityWarning.LOW_CONTRAST: "little contrast",
    QualityWarning.YAW: "turned to the side",
    QualityWarning.ROLL: "strongly tilted",
    QualityWarning.BLOCKS: "strongly compressed",
    QualityWarning.NOISE: "very noisy",
    QualityWarning.NO_FACE: "hardly looks like a face",
}
NAMES_OF_MODELS: Mapping[str, str] = {
    "lite": "Any photo",
}
"""Names that visitors know; other models keep their own."""
BACKGROUND = "Sharper background"
"""Name of the page's switch for the operator's network."""
BUSY = "Many photos are waiting at the moment. Please try again in a minute."
GONE = "The photo has been deleted in the meantime. Please choose it again."
EMPTY = "This file is empty."
TOO_MANY_BYTES = "This file is larger than what can be uploaded here."
IDLE = "The upload stopped in the middle. Please try again."
FAILED = "Something went wrong here. Please try again, or try another photo."
_HEIC = (".heic", ".heif")


def outcome_words(outcome: Outcome) -> str:
    """What happens to a face, as the end of a sentence that begins with the face."""
    return OUTCOMES.get(outcome, outcome.value)


def face_words(face: Face) -> dict[str, Any]:
    """A face as the page shows it."""
    return {
        "number": face.number,
        "box": [round(edge, 1) for edge in face.box],
        "square": list(face.square),
        "size": round(face.size_px),
        "outcome": face.outcome.name.lower(),
        "restored": face.outcome is Outcome.RESTORED,
        "drawn": face.score is None,
        "strength": face.strength,
        "probability": face.probability,
        "words": outcome_words(face.outcome),
        "warnings": [WARNINGS.get(warning, warning.value) for warning in face.quality_warnings],
    }


def clip_words(name: str) -> str:
    """What to do with a clip, which the page does not take."""
    return f"This is a clip. A command restores clips: dicface restore {quote(name)} -o {quote(f'restored-{name}')}"


def error_words(error: DicfaceError, name: str, *, megapixels: float, heic: bool, background: bool = False) -> str:
    """An error as a visitor can use it.

    Args:
        error: what was raised.
        name: name of the photo's file.
        megapixels: largest photo that is taken.
        heic: whether HEIC can be read here.
        background: whether a network was to enlarge the photo.
    """
    match error:
        case TooLargeError():
            return f"This photo has too many pixels: at most {megapixels:g} megapixels can be used. Make it smaller."
        case ImageError() if is_clip(name):
            return clip_words(name)
        case ImageError() if PurePath(name).suffix.lower() in _HEIC and not heic:
            return "HEIC photos cannot be read here. Save it as JPEG, and choose that."
        case ImageError():
            kinds = f"JPEG, PNG, WebP, AVIF,{' HEIC,' if heic else ''} TIFF, BMP and GIF"
            return f"This file is no photo that can be read, or it is damaged. {kinds} can be read."
        case TooLongError():
            less = f"switch off {BACKGROUND}" if background else "enlarge it less"
            return f"This photo takes more time or memory than there is for one. Make it smaller, or {less}."
        case _:
            return "This cannot be done with this photo. Enlarge it less, or try another photo."


def warnings_summary(faces: list[tuple[QualityWarning, ...]]) -> list[str]:
    """Warnings of all restored faces, each said once.

    Args:
        faces: the warnings of each face.

    >>> warnings_summary([(QualityWarning.BLOCKS,), (QualityWarning.BLOCKS, QualityWarning.YAW), ()])
    ['1 of 3 faces: turned to the side', '2 of 3 faces: strongly compressed']
    """
    counts = {warning: sum(warning in face for face in faces) for warning in QualityWarning}
    of = f"of {len(faces)} face{'s' if len(faces) != 1 else ''}"
    return [f"{count} {of}: {WARNINGS.get(warning, warning.value)}" for warning, count in counts.items() if count]
