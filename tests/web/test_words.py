"""Visitors are told everything in everyday words."""

import pytest

from dicface.errors import DicfaceError, ImageError, OutputError, TooLargeError, TooLongError
from dicface.restoration.quality import QualityWarning
from dicface.restoration.results import Outcome
from dicface.web.app import PAGE
from dicface.web.words import BACKGROUND, OUTCOMES, WARNINGS, error_words, outcome_words, warnings_summary


def test_every_outcome_and_every_warning_has_words_without_the_librarys_terms() -> None:
    assert set(OUTCOMES) == set(Outcome)
    assert set(WARNINGS) == set(QualityWarning)
    for words in (*OUTCOMES.values(), *WARNINGS.values()):
        assert not {"model", "detector", "landmarks", "network"} & set(words.replace(",", "").split())
    assert outcome_words(Outcome.PROFILE) == "left as it is: it is seen from the side"


@pytest.mark.parametrize(
    ("error", "name", "said"),
    [
        (ImageError("expected an image, got `max_megapixels`"), "a.jpg", "This file is no photo that can be read"),
        (ImageError("expected an image"), "a.HEIC", "HEIC photos cannot be read here. Save it as JPEG"),
        (ImageError("expected an image"), "my clip.MP4", "A command restores clips: dicface restore 'my clip.MP4' -o "),
        (TooLargeError("raise `max_megapixels`"), "a.jpg", "at most 64 megapixels can be used"),
        (TooLongError("use `dicface restore`"), "a.jpg", "more time or memory than there is for one"),
        (OutputError("choose another `scale`"), "a.jpg", "Enlarge it less"),
    ],
)
def test_an_error_is_said_without_its_text(error: DicfaceError, name: str, said: str) -> None:
    words = error_words(error, name, megapixels=64, heic=False)
    assert said in words
    assert "`" not in words
    assert str(error) not in words


@pytest.mark.parametrize("heic", [True, False])
def test_formats_that_can_be_read_are_those_that_can_be_read_here(heic: bool) -> None:
    words = error_words(ImageError("expected an image"), "a.jpg", megapixels=64, heic=heic)
    assert words.endswith(f"JPEG, PNG, WebP, AVIF,{' HEIC,' if heic else ''} TIFF, BMP and GIF can be read.")


def test_a_photo_that_takes_too_long_may_take_less_without_the_sharper_background() -> None:
    words = error_words(TooLongError("late"), "a.jpg", megapixels=64, heic=False, background=True)
    assert words.endswith("Make it smaller, or switch off Sharper background.")
    assert f">{BACKGROUND}<" in (PAGE / "index.html").read_text(), "the switch has another name"


def test_warnings_are_summed_up() -> None:
    blocks = QualityWarning.BLOCKS
    assert warnings_summary([(blocks,)] * 6 + [()] * 7) == ["6 of 13 faces: strongly compressed"]
    assert warnings_summary([()]) == []
