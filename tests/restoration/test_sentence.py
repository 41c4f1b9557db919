"""What is said of a photo's faces."""

from dataclasses import replace

import numpy as np

from dicface import Box, Face, Outcome, QualityWarning, Restoration
from dicface.faces.geometry import Square
from dicface.restoration.choice import FaceChoice
from dicface.restoration.sentence import faces_sentence, warning_sentences

BLOCKS, DARK = QualityWarning.BLOCKS, QualityWarning.TOO_DARK


def made(number: int, *warnings: QualityWarning, outcome: Outcome = Outcome.RESTORED) -> Face:
    return Face(Box(0, 0, 9, 9), 1.0, outcome, Square(0, 0, 9), quality_warnings=warnings, number=number)


def test_warnings_are_summed_up() -> None:
    faces = [made(1, BLOCKS), made(2, outcome=Outcome.TOO_LARGE), made(3, BLOCKS, DARK), made(4), made(5, BLOCKS)]
    assert warning_sentences(faces) == (
        "warning: face 3: too dark",
        "warning: 3 of 4 restored faces: strongly compressed",
    )
    assert warning_sentences(faces[1:2]) == ()


def test_every_warning_has_words() -> None:
    for kind in QualityWarning:
        (text,) = warning_sentences([made(1, kind)])
        assert text.startswith("warning: face 1: ")


def test_outcomes_scale_and_missing_numbers_come_first() -> None:
    result = Restoration(np.zeros((2, 2, 3), np.uint8), (made(1, DARK), made(2, outcome=Outcome.NOT_CHOSEN)), scale=2)
    said = faces_sentence(result, choice=FaceChoice(faces=[1, 3]), auto_scale=True)
    assert said == (
        "1 of 2 faces restored, scale 2, 1 left alone: not among the chosen faces, no face 3, warning: face 1: too dark"
    )


def test_lowered_strengths_are_summed_up() -> None:
    faces = [
        replace(made(number), strength=share, strength_share=share) for number, share in enumerate((0.3, 1, 0.55), 1)
    ]
    pixels = np.zeros((2, 2, 3), np.uint8)
    several = faces_sentence(Restoration(pixels, tuple(faces)), choice=FaceChoice(), auto_scale=False)
    text = "strength of 2 of 3 restored faces lowered to 0.30 to 0.55, since the model is not sure"
    assert several == f"3 of 3 faces restored, {text}"
    single = faces_sentence(Restoration(pixels, tuple(faces[:2])), choice=FaceChoice(), auto_scale=False)
    assert single.endswith("strength of face 1 lowered to 0.30, since the model is not sure")
