"""The sentence about a restored photo: outcomes of its faces, its scale, quality warnings."""

from collections import Counter
from collections.abc import Sequence

from dicface.restoration.choice import FaceChoice
from dicface.restoration.quality import QualityWarning
from dicface.restoration.results import Outcome, Restoration
from dicface.runtime.models import DEFAULT_MODEL, MODEL_FOR_JPEG


def warning_sentence(which: str, warnings: Sequence[QualityWarning], model: str) -> str:
    """Quality warnings of a face as text, with a better model for JPEG.

    Args:
        which: the face, as text.
        warnings: at least one.
        model: name of the model that restored it.
    """
    reasons = " and ".join(warning.value for warning in warnings)
    advised = model == DEFAULT_MODEL and QualityWarning.BLOCKS in warnings
    return f"warning: {which} {reasons}{f' (try `model` {MODEL_FOR_JPEG})' if advised else ''}"


def faces_sentence(restoration: Restoration, model: str, *, choice: FaceChoice, auto_scale: bool) -> str:
    """Numbers of faces by outcome, the scale, the turn of the photo, and quality warnings, as text.

    Args:
        restoration: the result.
        model: name of the model.
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
    warnings = (
        warning_sentence(f"face {face.number}", face.quality_warnings, model) for face in faces if face.quality_warnings
    )
    return ", ".join((found, *scaled, *left_alone, *missing, *on_its_side, *warnings))
