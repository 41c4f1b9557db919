"""Results of upscalers over all faces: means, intervals, paired differences, identity similarity."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from dicface.evaluation.detail import DetailScores, detail_scores
from dicface.evaluation.metrics import Normaliser, frechet_distance, verification_auc
from dicface.evaluation.scores import NORMALISERS, Judgement, Judges, Scores
from dicface.evaluation.statistics import Estimate, Paired, estimate, paired

if TYPE_CHECKING:
    from dicface.evaluation.identity import HeldOut  # it imports torch

MOST_COMPARED = 2000
"""Largest number of faces among which identities are compared, all with all; further faces are left out."""


@dataclass(frozen=True)
class Quality:
    """PSNR in dB and SSIM by one protocol.

    Attributes:
        psnr, ssim: estimates of the last step.
        steps: mean PSNR and mean SSIM of every step; a mean PSNR is infinite if any face is exact.
    """

    psnr: Estimate
    ssim: Estimate
    steps: tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class LandmarkError:
    """Normalised error of landmarks.

    Attributes:
        estimate: the mean, as a fraction of the normaliser.
        median: the median, which single faces with lost landmarks do not move.
    """

    estimate: Estimate
    median: float


@dataclass(frozen=True)
class UpscalerResult:
    """Result of one upscaler over all faces.

    Attributes:
        scores: scores of each face.
        quality: PSNR and SSIM by protocol.
        deviation_mean, deviation_worst: grey levels between the reduced last step and the input, over all faces.
        detail: detail of the last step over all faces.
        landmark_errors: landmark errors by normaliser; None without judges.
        lpips: mean perceptual distance of the last step; None if it was not measured.
    """

    scores: Scores
    quality: Mapping[str, Quality]
    deviation_mean: float
    deviation_worst: float
    detail: DetailScores
    landmark_errors: Mapping[Normaliser, LandmarkError] | None
    lpips: Estimate | None

    @property
    def name(self) -> str:
        """Name of the upscaler."""
        return self.scores.name


@dataclass(frozen=True)
class Comparison:
    """Paired differences of two upscalers.

    Attributes:
        other: name of the upscaler that is compared with.
        psnr, ssim: differences by protocol.
        nrmse: differences by normaliser; None without judges.
        lpips: differences of the perceptual distance; None if it was not measured.
    """

    other: str
    psnr: Mapping[str, Paired]
    ssim: Mapping[str, Paired]
    nrmse: Mapping[Normaliser, Paired] | None
    lpips: Paired | None


@dataclass(frozen=True)
class IdentitySimilarity:
    """Identity similarity by face features, over the first 2,000 faces.

    Attributes:
        auc: verification AUC of the features on the high-resolution faces, see `verification_auc`; None if no known
            identity occurs twice.
        held_out: verification result on identities outside their training data; None if the card has none.
        others: mean cosine between high-resolution faces of different identities, the zero of this scale; None if
            there is one identity only.
        own: by upscaler, cosine between the result and its high-resolution face.
        rank1_accuracy: by upscaler, share of results whose cosine with their own high-resolution face is larger than
            with that of any other identity; None if there is one identity only.
        frechet: by upscaler, Fréchet distance between the face features of results and of high-resolution faces, see
            `frechet_distance`; None for fewer than two faces.
    """

    auc: float | None
    held_out: "HeldOut | None"
    others: float | None
    own: Mapping[str, Estimate]
    rank1_accuracy: Mapping[str, float | None]
    frechet: Mapping[str, float | None]


def summarise_landmarks(judged: Judgement) -> dict[Normaliser, LandmarkError]:
    """Means, intervals and medians of landmark errors by normaliser."""
    return {by: LandmarkError(estimate(judged.nrmse[by]), float(np.median(judged.nrmse[by]))) for by in NORMALISERS}


def _quality(psnr: NDArray[np.float64], ssim: NDArray[np.float64]) -> Quality:
    steps = [(float(psnr[:, step].mean()), float(ssim[:, step].mean())) for step in range(psnr.shape[1])]
    return Quality(estimate(psnr[:, -1]), estimate(ssim[:, -1]), tuple(steps))


def summarise(scores: Scores) -> UpscalerResult:
    """Summarise the scores of an upscaler by means and intervals."""
    lpips = None if scores.judged is None else scores.judged.lpips
    return UpscalerResult(
        scores,
        {name: _quality(scores.psnr[name], scores.ssim[name]) for name in scores.psnr},
        float(scores.deviation_mean.mean()),
        float(scores.deviation_worst.max()),
        detail_scores(scores.detail),
        None if scores.judged is None else summarise_landmarks(scores.judged),
        None if lpips is None else estimate(lpips),
    )


def compare(scores: Scores, others: Scores) -> Comparison:
    """Compare two upscalers on the same faces: the first minus the second."""
    nrmse: dict[Normaliser, Paired] | None = None
    lpips: Paired | None = None
    if (mine := scores.judged) is not None and (theirs := others.judged) is not None:
        nrmse = {by: paired(mine.nrmse[by], theirs.nrmse[by], lower_is_better=True) for by in NORMALISERS}
        if mine.lpips is not None and theirs.lpips is not None:
            lpips = paired(mine.lpips, theirs.lpips, lower_is_better=True)
    return Comparison(
        others.name,
        {name: paired(scores.psnr[name][:, -1], others.psnr[name][:, -1]) for name in scores.psnr},
        {name: paired(scores.ssim[name][:, -1], others.ssim[name][:, -1]) for name in scores.ssim},
        nrmse,
        lpips,
    )


def identity_similarity(
    judges: Judges | None, identities: NDArray[np.int64], measured: Sequence[Scores]
) -> IdentitySimilarity | None:
    """Identity similarity between results and their high-resolution faces.

    Args:
        judges: judges of the faces; None for none.
        identities: (N,) int64, -1 where unknown.
        measured: scores of the upscalers on these faces, with their judgements.

    Returns:
        The similarity; None without a recogniser.
    """
    if judges is None or judges.recogniser is None:
        return None
    assert judges.hr.embeddings is not None
    hr, identities = judges.hr.embeddings[:MOST_COMPARED], identities[:MOST_COMPARED]
    known = identities >= 0
    # A face of unknown identity is taken for an identity of its own.
    same = (identities[:, None] == identities) & known[:, None] | np.eye(len(identities), dtype=bool)
    has_pairs = len(set(identities[known].tolist())) not in (1, int(known.sum()), 0)
    own: dict[str, Estimate] = {}
    rank1_accuracy: dict[str, float | None] = {}
    frechet: dict[str, float | None] = {}
    for scores in measured:
        assert scores.judged is not None
        assert scores.judged.embeddings is not None
        embeddings = scores.judged.embeddings[:MOST_COMPARED]
        frechet[scores.name] = frechet_distance(embeddings, hr) if len(hr) > 1 else None
        cosines = embeddings @ hr.T
        mine = np.diagonal(cosines)
        own[scores.name] = estimate(mine.astype(np.float64))
        nearest = np.where(same, -np.inf, cosines).max(axis=1)
        rank1_accuracy[scores.name] = None if same.all() else float((mine > nearest).mean())
    return IdentitySimilarity(
        verification_auc(hr[known], identities[known]) if has_pairs else None,
        judges.recogniser.held_out,
        None if same.all() else float((hr @ hr.T)[~same].mean()),
        own,
        rank1_accuracy,
        frechet,
    )
