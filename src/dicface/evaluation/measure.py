"""Measurement of an upscaler against reference faces, with bicubic and another upscaler beside it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

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

if TYPE_CHECKING:
    from dicface.checkpoints.lpips import LPIPSDigests  # it imports torch


@dataclass(frozen=True)
class Measurement:
    """Measurement at one size of crop with one damage. JSON, tables and page are renderings of it.

    Attributes:
        references: the reference faces.
        description: description of the upscaler.
        lr_size: side of the low-resolution crops in pixels.
        damage: damage of the crops.
        protocols: protocols by which faces were compared.
        result: result of the upscaler.
        bicubic: result of the bicubic enlargement.
        against: result of the other upscaler; None if there is none.
        over_bicubic, over_against: paired differences from these results.
        landmarks_from: source of the reference landmarks; None without judges.
        hr: judgement of the high-resolution faces; None without judges.
        hr_landmark_errors: landmark errors of the high-resolution faces by normaliser; None without judges.
        identity: identity similarity; None without a recogniser.
        lpips_digests: digests of the weights of LPIPS; None if it was not measured.
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
    lpips_digests: "LPIPSDigests | None"

    @property
    def results(self) -> list[UpscalerResult]:
        """All results, bicubic first. It is listed once if it is also the other upscaler."""
        others = [] if self.against is None or self.against.name == self.bicubic.name else [self.against]
        return [self.bicubic, self.result, *others]

    @property
    def comparisons(self) -> list[Comparison]:
        """Comparison with bicubic and, unless that is bicubic too, with the other upscaler."""
        others = [] if self.over_against is None else [self.over_against]
        return [self.over_bicubic, *(one for one in others if one.other != self.bicubic.name)]

    @property
    def condition(self) -> str:
        """Size of the crop and damage as text, for titles."""
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
    """Reduce faces, super-resolve them and compare the results with the originals. Equal arguments give equal numbers.

    Args:
        upscaler: the upscaler to measure.
        references: faces to measure against.
        lr_size: side of the low-resolution crops in pixels, reduced with Pillow's bicubic.
        judges: judges made for the same, undamaged references; None leaves out landmarks,
            identity and LPIPS.
        against: another upscaler to compare with, face by face.
        protocols: protocols by which faces are compared.
        damage: damage of the crops of all upscalers, bicubic included; see `parse_damage`.

    Raises:
        UsageError: see `check_upscalers` and `parse_damage`.
    """
    check_upscalers(upscaler, against, lr_size)
    damaged = parse_damage(damage)
    opened = (upscaler, open_enlargement("bicubic", references.hr.shape[1]), *([] if against is None else [against]))
    mine, bicubic, *others = (score(one, references, lr_size, judges, protocols, damage=damaged) for one in opened)
    other = others[0] if others else None
    # Bicubic is listed once, even if it is also the other upscaler.
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
        lpips_digests=None if judges is None or judges.perceptual is None else judges.perceptual.digests,
    )


def landmark_errors(found: NDArray[np.floating], wanted: NDArray[np.floating]) -> dict[Normaliser, float]:
    """Mean NRMSE of landmarks by every normaliser.

    Args:
        found, wanted: (N, 68, 2) float x, y in pixels of the same image.

    Returns:
        Errors as fractions of `width`, `outer_eye` and `inter_ocular`; see `nrmse`.
    """
    return {by: float(nrmse(found, wanted, by).mean()) for by in NORMALISERS}
