"""How much a photo is enlarged."""

import pytest

from dicface.errors import UsageError
from dicface.restoration.scale import Scale, scale_for


@pytest.mark.parametrize(
    ("width", "height", "scale"),
    [(1, 1, 4), (1500, 1000, 4), (1501, 1000, 2), (3000, 2000, 2), (3001, 2000, 1), (4000, 3000, 1), (8000, 6000, 1)],
)
def test_auto_keeps_the_result_within_24_megapixels(width: int, height: int, scale: float) -> None:
    assert scale_for("auto", width, height) == scale


def test_a_given_scale_is_taken() -> None:
    assert scale_for(8, 8000, 6000) == 8


@pytest.mark.parametrize("scale", [0, 9, float("nan"), "all"])
def test_other_scales_are_refused(scale: Scale) -> None:
    with pytest.raises(UsageError, match=r"expected a `?scale`? from 1 to 8"):
        scale_for(scale, 10, 10)
