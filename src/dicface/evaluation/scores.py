"""Scores of an upscaler on each face."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dicface.data.references import References
from dicface.evaluation.damage import NO_DAMAGE, Damage
from dicface.evaluation.detail import DetailEnergies, detail_energies, joined_energies
from dicface.evaluation.metrics import Normaliser, nrmse
from dicface.evaluation.protocols import PROTOCOLS, Protocol
from dicface.images.pixels import FACE_PX, resize
from dicface.runtime.consistency import deviation
from dicface.runtime.landmark_model import LandmarkModel
from dicface.runtime.upscalers import Upscaler

if TYPE_CHECKING:
    from dicface.evaluation.identity import Recogniser  # it imports torch
    from dicface.evaluation.perceptual import PerceptualDistance  # so does this

NORMALISERS: tuple[Normaliser, ...] = ("width", "outer_eye", "inter_ocular")
# Faces per part; images are kept for one part at a time.
_PART = 32


class Judgement(NamedTuple):
    """Results of independent networks on N faces.

    Attributes:
        nrmse: by normaliser, (N,) float64 landmark errors as fractions of that distance.
        embeddings: (N, E) float32 face embeddings of length 1; None without a recogniser.
        lpips: (N,) float64 perceptual distance to the high-resolution face; None if it is not measured, and for the
            high-resolution faces themselves.
    """

    nrmse: Mapping[Normaliser, NDArray[np.float64]]
    embeddings: NDArray[np.float32] | None
    lpips: NDArray[np.float64] | None


class Judges:
    """Independent networks that measure landmarks, identity and perceptual distance on results.

    Attributes:
        wanted: (N, 68, 2) float32 reference landmarks, x, y in pixels of the faces reduced to 128 px.
        wanted_from: where the reference landmarks come from.
        recogniser: gives face embeddings; None to leave identity out.
        perceptual: gives LPIPS; None to leave it out.
        hr: results on the high-resolution faces themselves.
    """

    def __init__(
        self,
        references: References,
        landmarks: LandmarkModel,
        recogniser: "Recogniser | None" = None,
        *,
        perceptual: "PerceptualDistance | None" = None,
    ) -> None:
        """Prepare the measurements: landmarks and embeddings of the high-resolution faces.

        Args:
            references: faces to measure against. Without annotated landmarks, those found on them are the reference.
            landmarks: finds landmarks.
            recogniser: gives face embeddings; None leaves identity out.
            perceptual: gives LPIPS; None leaves it out.
        """
        self._landmarks = landmarks
        self.recogniser = recogniser
        self.perceptual = perceptual
        faces = _of_side(references.hr, FACE_PX)
        found = landmarks(faces).points
        ratio = np.float32(FACE_PX / references.hr.shape[1])
        known = references.landmarks
        self.wanted = found if known is None else (known + np.float32(0.5)) * ratio - np.float32(0.5)
        self.wanted_from = "found on the high-resolution faces" if references.landmarks is None else references.name
        embeddings = None
        if recogniser is not None:
            embeddings = np.concatenate([recogniser(faces[part]) for part in _parts(len(faces))])
        self.hr = Judgement({by: nrmse(found, self.wanted, by) for by in NORMALISERS}, embeddings, lpips=None)

    def __call__(self, faces: NDArray[np.uint8], part: slice, truth: NDArray[np.uint8]) -> Judgement:
        """Measure results for some of the faces.

        Args:
            faces: (n, R, R, 3) uint8 RGB. Landmarks and identity are measured on them reduced to 128 px.
            part: their numbers among the references.
            truth: (n, R, R, 3) uint8 RGB, their high-resolution faces, which LPIPS compares with: prints for prints.
        """
        lpips = None if self.perceptual is None else self.perceptual(faces, truth)
        faces = _of_side(faces, FACE_PX)
        found = self._landmarks(faces).points
        errors: dict[Normaliser, NDArray[np.float64]] = {by: nrmse(found, self.wanted[part], by) for by in NORMALISERS}
        return Judgement(errors, None if self.recogniser is None else self.recogniser(faces), lpips)


class Scores(NamedTuple):
    """Scores of one upscaler on each of N faces.

    Attributes:
        name: name of the upscaler.
        psnr: by protocol, (N, T) float64 in dB for every step; infinite for an exact result.
        ssim: by protocol, (N, T) float64.
        deviation_mean, deviation_worst: (N,) float64, grey levels between the reduced last step and the input.
        detail: energies of the last step's detail.
        judged: judgement of the last step; None without judges.
    """

    name: str
    psnr: Mapping[str, NDArray[np.float64]]
    ssim: Mapping[str, NDArray[np.float64]]
    deviation_mean: NDArray[np.float64]
    deviation_worst: NDArray[np.float64]
    detail: DetailEnergies
    judged: Judgement | None


def _of_side(faces: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """(N, R, R, 3) uint8 RGB -> (N, side, side, 3) uint8 RGB, by Pillow's bicubic."""
    return faces if faces.shape[1] == side else np.stack([resize(face, (side, side)) for face in faces])


def _parts(count: int) -> list[slice]:
    return [slice(first, min(count, first + _PART)) for first in range(0, count, _PART)]


def _score_part(
    upscaler: Upscaler,
    references: References,
    part: slice,
    lr_size: int,
    judges: Judges | None,
    protocols: Sequence[Protocol],
    damage: Damage,
) -> Scores:
    hr = damage.truth(references.hr[part])
    lr = [damage.crop(face, lr_size, number) for number, face in enumerate(hr, part.start)]
    # Results of a smaller model are enlarged, as in a photo.
    steps = np.stack([_of_side(result.sr, hr.shape[1]) for result in upscaler(lr)], axis=1)
    away = np.stack([np.abs(deviation(sr, crop)) for sr, crop in zip(steps[-1], lr, strict=True)])
    return Scores(
        upscaler.name,
        {protocol.name: np.stack([protocol.psnr(step, hr) for step in steps], axis=1) for protocol in protocols},
        {protocol.name: np.stack([protocol.ssim(step, hr) for step in steps], axis=1) for protocol in protocols},
        away.mean(axis=(1, 2, 3)),
        away.max(axis=(1, 2, 3)).astype(np.float64),
        detail_energies(steps[-1], hr, lr_size),
        None if judges is None else judges(steps[-1], part, hr),
    )


def _joined(parts: Sequence[Mapping[str, NDArray[np.float64]]]) -> dict[str, NDArray[np.float64]]:
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def score(
    upscaler: Upscaler,
    references: References,
    lr_size: int,
    judges: Judges | None = None,
    protocols: Sequence[Protocol] = PROTOCOLS,
    *,
    damage: Damage = NO_DAMAGE,
) -> Scores:
    """Reduce faces, super-resolve them, and compare.

    Args:
        upscaler: the model to measure.
        references: faces to measure against.
        lr_size: side of the low-resolution crop in pixels, reduced with Pillow's bicubic.
        judges: judges of the same references; None leaves out landmarks, identity and LPIPS.
        protocols: how faces are compared.
        damage: damage of the faces before super-resolution.
    """
    parts = [
        _score_part(upscaler, references, part, lr_size, judges, protocols, damage)
        for part in _parts(len(references.hr))
    ]
    judged = [part.judged for part in parts if part.judged is not None]
    return Scores(
        upscaler.name,
        _joined([part.psnr for part in parts]),
        _joined([part.ssim for part in parts]),
        np.concatenate([part.deviation_mean for part in parts]),
        np.concatenate([part.deviation_worst for part in parts]),
        joined_energies([part.detail for part in parts]),
        _joined_judgements(judged) if judged else None,
    )


def _joined_judgements(parts: Sequence[Judgement]) -> Judgement:
    embeddings = [part.embeddings for part in parts if part.embeddings is not None]
    lpips = [part.lpips for part in parts if part.lpips is not None]
    return Judgement(
        {by: np.concatenate([part.nrmse[by] for part in parts]) for by in NORMALISERS},
        np.concatenate(embeddings) if embeddings else None,
        np.concatenate(lpips) if lpips else None,
    )
