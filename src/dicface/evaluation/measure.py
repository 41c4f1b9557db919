"""An upscaler against the truth, bicubic and others beside it."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dicface.data.references import References
from dicface.evaluation.damage import Damage, parse_damage
from dicface.evaluation.metrics import Normaliser, nrmse
from dicface.evaluation.protocols import PROTOCOLS, Protocol
from dicface.evaluation.results import (
    Comparison,
    IdentitySimilarity,
    LandmarkError,
    UpscalerResult,
    compare,
    identity_similarity,
    summarise,
    summarise_landmarks,
)
from dicface.evaluation.scores import NORMALISERS, Judgement, Judges, score
from dicface.runtime.image_model import open_enlargement
from dicface.runtime.upscalers import Upscaler, check_upscalers


@dataclass(frozen=True)
class Measurement:
    """One size of crop with one damage, measured; JSON, tables and page render it.

    Attributes:
        references: the faces.
        description: of what is measured.
        lr_size: side of the low-resolution crop, in pixels.
        damage: what happened to the crops.
        protocols: how faces were compared.
        result: what the upscaler reached.
        bicubic: what plain enlargement reached.
        against: what the other upscaler reached; None if there is none.
        over_bicubic, over_against: differences to these, face by face.
        landmarks_from: where the landmarks that count as true are from; None if landmarks were not judged.
        hr: what was found on the high-resolution faces themselves; None if not judged.
        hr_landmark_errors: by normaliser, of these.
        identity: identity similarity; None without a recogniser.
    """

    references: References
    description: str
    lr_size: int
    damage: Damage
    protocols: tuple[Protocol, ...]
    result: UpscalerResult
    bicubic: UpscalerResult
    against: UpscalerResult | None
    over_bicubic: Comparison
    over_against: Comparison | None
    landmarks_from: str | None
    hr: Judgement | None
    hr_landmark_errors: Mapping[Normaliser, LandmarkError] | None
    identity: IdentitySimilarity | None

    @property
    def results(self) -> list[UpscalerResult]:
        """All that was measured, plain enlargement first, and once if it is the other upscaler, too."""
        others = [] if self.against is None or self.against.name == self.bicubic.name else [self.against]
        return [self.bicubic, self.result, *others]

    @property
    def comparisons(self) -> list[Comparison]:
        """With bicubic and, if it is another one, with the other upscaler."""
        others = [] if self.over_against is None else [self.over_against]
        return [self.over_bicubic, *(one for one in others if one.other != self.bicubic.name)]

    @property
    def condition(self) -> str:
        """Size of the crop and damage, for titles."""
        return f"{self.lr_size} px, {self.damage.name}" if self.damage.name else f"{self.lr_size} px"


def measure(
    upscaler: Upscaler,
    references: References,
    lr_size: int,
    judges: Judges | None = None,
    against: Upscaler | None = None,
    protocols: tuple[Protocol, ...] = PROTOCOLS,
    *,
    damage: str = "",
) -> Measurement:
    """Reduce faces, super-resolve them, and compare, bicubic beside it. The same faces give the same numbers.

    Args:
        upscaler: what is measured.
        references: faces to measure against.
        lr_size: side of the low-resolution crop, reduced with Pillow's bicubic.
        judges: made for the same, undamaged references; None leaves landmarks and people out.
        against: another upscaler to compare with, face by face.
        protocols: how faces are compared.
        damage: what happens to the crops, and to bicubic's, before they are super-resolved; see `parse_damage`.

    Raises:
        UsageError: see `check_upscalers` and `parse_damage`.
    """
    check_upscalers(upscaler, against, lr_size)
    damaged = parse_damage(damage)
    opened = (upscaler, open_enlargement("bicubic"), *([] if against is None else [against]))
    mine, bicubic, *others = (score(one, references, lr_size, judges, protocols, damage=damaged) for one in opened)
    other = others[0] if others else None
    # Plain enlargement stands once, even if it is the other upscaler, too.
    shown = [bicubic, mine, *(one for one in others if one.name != bicubic.name)]
    return Measurement(
        references,
        upscaler.description,
        lr_size,
        damaged,
        protocols,
        result=summarise(mine),
        bicubic=summarise(bicubic),
        against=None if other is None else summarise(other),
        over_bicubic=compare(mine, bicubic),
        over_against=None if other is None else compare(mine, other),
        landmarks_from=None if judges is None else judges.wanted_from,
        hr=None if judges is None else judges.hr,
        hr_landmark_errors=None if judges is None else summarise_landmarks(judges.hr),
        identity=identity_similarity(judges, references.identities, shown),
    )


def landmark_errors(found: NDArray[np.floating], wanted: NDArray[np.floating]) -> dict[Normaliser, float]:
    """Mean normalised error of landmarks, by every size of the face that is in use.

    Args:
        found, wanted: (N, 68, 2) x, y in pixels of one frame.

    Returns:
        `width`, `outer_eye` and `inter_ocular`: fractions of that distance.
    """
    return {by: float(nrmse(found, wanted, by).mean()) for by in NORMALISERS}
