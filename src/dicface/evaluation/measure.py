"""A contender against the truth, bicubic and others beside it."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dicface.data.references import References
from dicface.errors import UsageError
from dicface.evaluation.damage import Damage, parse_damage
from dicface.evaluation.identity import HeldOut
from dicface.evaluation.metrics import Normaliser, nrmse, verification_auc
from dicface.evaluation.protocols import PROTOCOLS, Protocol
from dicface.evaluation.scores import NORMALISERS, Judges, Scores, score
from dicface.evaluation.statistics import Estimate, Paired, estimate, paired
from dicface.runtime.image_model import open_enlargement
from dicface.runtime.upscalers import Contender

MOST_COMPARED = 2000
"""Faces among which people are compared, all with all; further ones are left out."""


@dataclass(frozen=True)
class Likeness:
    """How like its person a face still is, to a network that compares people. Of the first 2,000 faces.

    Attributes:
        auc: how often that network finds two of the high-resolution faces of one person more alike than two of
            different people; None where these faces do not tell (nobody known occurs twice).
        held_out: the same on people whom it was not trained on; None if its card does not say.
        others: mean cosine between the high-resolution face and those of other people, the zero of this scale; None
            where there are no others.
        own: by contender, cosine between the result and the high-resolution face.
        recognised: by contender, share of results that are more like their own high-resolution face than like that of
            any other person here; None where there are no others.
    """

    auc: float | None
    held_out: HeldOut | None
    others: float | None
    own: dict[str, Estimate]
    recognised: dict[str, float | None]


@dataclass(frozen=True)
class Measurement:
    """One size of crop with one damage, measured.

    Attributes:
        references: the faces.
        description: of what is measured.
        lr_size: side of the low-resolution crop, in pixels.
        damage: what happened to the crops.
        protocols: how faces were compared.
        scores: what the contender reached.
        bicubic: what plain enlargement reached.
        against: what the other contender reached; None if there is none.
        judges: who judged landmarks and people; None if nobody.
    """

    references: References
    description: str
    lr_size: int
    damage: Damage
    protocols: tuple[Protocol, ...]
    scores: Scores
    bicubic: Scores
    against: Scores | None
    judges: Judges | None

    @property
    def measured(self) -> list[Scores]:
        """All that was measured, plain enlargement first, and once if it is the other contender, too."""
        others = [] if self.against is None or self.against.name == self.bicubic.name else [self.against]
        return [self.bicubic, self.scores, *others]

    @property
    def condition(self) -> str:
        """Size of the crop and damage, for titles."""
        return f"{self.lr_size} px, {self.damage.name}" if self.damage.name else f"{self.lr_size} px"

    def compared(self, scores: Scores, others: Scores) -> dict[str, dict[str, Paired]]:
        """Two of them face by face: `psnr` and `ssim` by protocol, and `nrmse` by normaliser if judged."""
        result = {
            "psnr": {p.name: paired(scores.psnr[p.name][:, -1], others.psnr[p.name][:, -1]) for p in self.protocols},
            "ssim": {p.name: paired(scores.ssim[p.name][:, -1], others.ssim[p.name][:, -1]) for p in self.protocols},
        }
        if scores.judged is not None and others.judged is not None:
            mine, theirs = scores.judged.nrmse, others.judged.nrmse
            result["nrmse"] = {by: paired(mine[by], theirs[by], lower_is_better=True) for by in NORMALISERS}
        return result

    def likeness(self) -> Likeness | None:
        """How like their people the faces still are; None if nobody judged that."""
        if self.judges is None or self.judges.recogniser is None:
            return None
        assert self.judges.hr.embeddings is not None
        hr, people = self.judges.hr.embeddings[:MOST_COMPARED], self.references.identities[:MOST_COMPARED]
        # Faces of unknown people count as other people.
        same = (people[:, None] == people) & (people[:, None] >= 0) | np.eye(len(people), dtype=bool)
        known = people >= 0
        tells = len(set(people[known].tolist())) not in (1, int(known.sum()), 0)
        own: dict[str, Estimate] = {}
        recognised: dict[str, float | None] = {}
        for scores in self.measured:
            assert scores.judged is not None
            assert scores.judged.embeddings is not None
            cosines = scores.judged.embeddings[:MOST_COMPARED] @ hr.T
            mine = np.diagonal(cosines)
            own[scores.name] = estimate(mine.astype(np.float64))
            nearest = np.where(same, -np.inf, cosines).max(axis=1)
            recognised[scores.name] = None if same.all() else float((mine > nearest).mean())
        return Likeness(
            verification_auc(hr[known], people[known]) if tells else None,
            self.judges.recogniser.held_out,
            None if same.all() else float((hr @ hr.T)[~same].mean()),
            own,
            recognised,
        )

    def summary(self) -> dict[str, Any]:
        """All of it, ready for JSON.

        Returns:
            `data`, `n`, `model`, `description`, `lr_size`, `damage` (empty for none); `protocols` and `bicubic`, by
            protocol mean and 95 % interval of PSNR in dB and of SSIM; `steps`, by protocol the means of each step;
            `over_bicubic`, differences face by face with their interval and the shares of faces won and worse;
            `consistency`, grey levels between the reduced result and the input; if judged `nrmse` (means),
            `nrmse_ci95`, `nrmse_median`, the same of bicubic and of the high-resolution faces, and `identity`; with
            another model `against`. Infinite means stand as null.
        """
        mine = self.scores
        result: dict[str, Any] = {
            "data": self.references.name,
            "n": len(self.references.keys),
            "model": mine.name,
            "description": self.description,
            "lr_size": self.lr_size,
            "damage": self.damage.name,
            "protocols": self._quality(mine),
            "bicubic": self._quality(self.bicubic),
            "steps": {
                p.name: [
                    {"psnr": estimate(psnr).mean, "ssim": estimate(ssim).mean}
                    for psnr, ssim in zip(mine.psnr[p.name].T, mine.ssim[p.name].T, strict=True)
                ]
                for p in self.protocols
            },
            "over_bicubic": _json(self.compared(mine, self.bicubic)),
            "consistency": {
                scores.name: {"mean": float(scores.deviation_mean.mean()), "worst": float(scores.deviation_worst.max())}
                for scores in self.measured
            },
        }
        if self.judges is not None:
            result["nrmse_reference"] = self.judges.wanted_from
            for suffix, judged in (("", mine.judged), ("_bicubic", self.bicubic.judged), ("_hr", self.judges.hr)):
                assert judged is not None
                errors = {by: estimate(judged.nrmse[by]) for by in NORMALISERS}
                result[f"nrmse{suffix}"] = {by: error.mean for by, error in errors.items()}
                result[f"nrmse{suffix}_ci95"] = {by: error.ci95 for by, error in errors.items()}
                result[f"nrmse{suffix}_median"] = {by: float(np.median(judged.nrmse[by])) for by in NORMALISERS}
        if (likeness := self.likeness()) is not None:
            result["identity"] = {
                "auc": likeness.auc,
                "auc_held_out": None if likeness.held_out is None else likeness.held_out._asdict(),
                "others": likeness.others,
                "own": {name: own.json for name, own in likeness.own.items()},
                "recognised": likeness.recognised,
            }
        if self.against is not None:
            result["against"] = {
                "model": self.against.name,
                "protocols": self._quality(self.against),
                **_json(self.compared(mine, self.against)),
            }
        return result

    def _quality(self, scores: Scores) -> dict[str, Any]:
        return {
            p.name: {
                "psnr": estimate(scores.psnr[p.name][:, -1]).json,
                "ssim": estimate(scores.ssim[p.name][:, -1]).json,
            }
            for p in self.protocols
        }


def _json(compared: dict[str, dict[str, Paired]]) -> dict[str, Any]:
    return {measure: {name: pair.json for name, pair in pairs.items()} for measure, pairs in compared.items()}


def check_contenders(contender: Contender, against: Contender | None, lr_size: int) -> None:
    """Refuse what cannot be measured.

    Raises:
        UsageError: one of them does not take that size, or both have one name.
    """
    for one in (contender, *([] if against is None else [against])):
        low, high = one.lr_sizes
        if not low <= lr_size <= high:
            sizes = f"of {low} px" if low == high else f"from {low} to {high} px"
            raise UsageError(f"expected a low-resolution side {sizes} for {one.name}, got {lr_size}")
    if against is not None and against.name == contender.name:
        raise UsageError(f"expected another model to compare with, got {contender.name} twice")


def measure(
    contender: Contender,
    references: References,
    lr_size: int,
    judges: Judges | None = None,
    against: Contender | None = None,
    protocols: tuple[Protocol, ...] = PROTOCOLS,
    *,
    damage: str = "",
) -> Measurement:
    """Reduce faces, super-resolve them, and compare, bicubic beside it. The same faces give the same numbers.

    Args:
        contender: what is measured.
        references: faces to measure against.
        lr_size: side of the low-resolution crop, reduced with Pillow's bicubic.
        judges: made for the same, undamaged references; None leaves landmarks and people out.
        against: another contender to compare with, face by face.
        protocols: how faces are compared.
        damage: what happens to the crops, and to bicubic's, before they are super-resolved; see `parse_damage`.

    Raises:
        UsageError: see `check_contenders` and `parse_damage`.
    """
    check_contenders(contender, against, lr_size)
    bicubic, damaged = open_enlargement("bicubic"), parse_damage(damage)
    return Measurement(
        references,
        contender.description,
        lr_size,
        damaged,
        protocols,
        score(contender, references, lr_size, judges, protocols, damage=damaged),
        score(bicubic, references, lr_size, judges, protocols, damage=damaged),
        None if against is None else score(against, references, lr_size, judges, protocols, damage=damaged),
        judges,
    )


def landmark_errors(found: NDArray[np.floating], wanted: NDArray[np.floating]) -> dict[Normaliser, float]:
    """Mean normalised error of landmarks, by every size of the face that is in use.

    Args:
        found, wanted: (N, 68, 2) x, y in pixels of one frame.

    Returns:
        `width`, `outer_eye` and `inter_ocular`: fractions of that distance.
    """
    return {by: float(nrmse(found, wanted, by).mean()) for by in NORMALISERS}
