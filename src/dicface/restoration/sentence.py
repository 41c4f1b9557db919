"""The sentence about a restored photo: outcomes of its faces, its scale, quality warnings."""

from collections import Counter
from collections.abc import Sequence

from dicface.restoration.choice import FaceChoice
from dicface.restoration.quality import QualityWarning
from dicface.restoration.results import Face, Outcome, Restoration

_SHORT = {
    QualityWarning.TOO_LARGE: "larger than the model can improve",
    QualityWarning.TOO_DARK: "too dark",
    QualityWarning.LOW_CONTRAST: "too little contrast",
    QualityWarning.YAW: "turned too far to the side",
    QualityWarning.ROLL: "tilted too far",
    QualityWarning.BLOCKS: "strongly compressed",
    QualityWarning.NOISE: "very noisy",
    QualityWarning.NO_FACE: "landmarks that do not look like a face",
}


def crop_warning(warnings: Sequence[QualityWarning]) -> str:
    """Quality warnings of a face crop as text.

    Args:
        warnings: at least one.
    """
    return f"warning: the face {' and '.join(warning.value for warning in warnings)}"


def warning_sentences(faces: Sequence[Face]) -> tuple[str, ...]:
    """Quality warnings of a photo's faces: one text for each kind, with the number of the face or of how many.

    Args:
        faces: of a photo.
    """
    restored = sum(face.outcome is Outcome.RESTORED for face in faces)
    texts = list[str]()
    for kind, short in _SHORT.items():
        warned = [face for face in faces if kind in face.quality_warnings]
        if warned:
            which = f"face {warned[0].number}" if len(warned) == 1 else f"{len(warned)} of {restored} restored faces"
            texts.append(f"warning: {which}: {short}")
    return tuple(texts)


def faces_sentence(restoration: Restoration, *, choice: FaceChoice, auto_scale: bool) -> str:
    """Numbers of faces by outcome, the scale, the turn of the photo, and quality warnings, as text.

    Args:
        restoration: the result.
        choice: of the faces; numbers that the photo lacks are named.
        auto_scale: the scale was not given; it is named.
    """
    faces = restoration.faces
    outcomes = Counter(face.outcome for face in faces)
    done = outcomes.pop(Outcome.RESTORED, 0)
    found = f"{done} of {len(faces)} faces restored" if faces else "no face found"
    scaled = [f"scale {restoration.scale:g}"] if auto_scale else []
    left_alone = (f"{count} {outcome.value}" for outcome, count in outcomes.items())
    missing = [f"no face {number}" for number in choice.missing(len(faces))]
    turned = restoration.turned_degrees
    on_its_side = (
        [f"the photo lies on its side (its faces are upright after a turn by {turned} degrees anticlockwise)"]
        if turned
        else []
    )
    warnings = warning_sentences(faces)
    lowered = [face for face in faces if face.strength_share < 1]
    return ", ".join((found, *scaled, *left_alone, *missing, *on_its_side, *_lowered(lowered, done), *warnings))


def _lowered(faces: Sequence[Face], restored: int) -> list[str]:
    """That strengths were lowered, as text."""
    if not faces:
        return []
    low, high = (f"{edge(face.strength for face in faces):.2f}" for edge in (min, max))
    values = low if low == high else f"{low} to {high}"
    which = f"of face {faces[0].number}" if len(faces) == 1 else f"of {len(faces)} of {restored} restored faces"
    return [f"strength {which} lowered to {values}, since the model is not sure"]
