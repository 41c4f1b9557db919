"""Numbers of each face: what one contender reached, by every measure."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dicface.data.references import References
from dicface.evaluation.damage import NO_DAMAGE, Damage
from dicface.evaluation.identity import Recogniser
from dicface.evaluation.metrics import Normaliser, nrmse
from dicface.evaluation.protocols import PROTOCOLS, Protocol
from dicface.runtime.consistency import deviation
from dicface.runtime.landmark_model import LandmarkModel
from dicface.runtime.upscalers import Contender

NORMALISERS: tuple[Normaliser, ...] = ("width", "outer_eye", "inter_ocular")
# Only the numbers of a part are kept, so that large sets fit.
_PART = 32


class Judgement(NamedTuple):
    """What independent networks find on some faces.

    Attributes:
        nrmse: by normaliser, (N,) error of the landmarks found, as a fraction of that distance.
        embeddings: (N, E) float32 of length 1, what tells people apart; None if not asked for.
    """

    nrmse: Mapping[Normaliser, NDArray[np.float64]]
    embeddings: NDArray[np.float32] | None


class Judges:
    """Networks that look at finished faces and know nothing of how they were made.

    Attributes:
        wanted: (N, 68, 2) float32, the landmarks that count as true, x, y in pixels of the 128x128 faces.
        wanted_from: where these are from.
        recogniser: what tells people apart; None if not asked for.
        hr: what they find on the high-resolution faces themselves.
    """

    def __init__(self, references: References, landmarks: LandmarkModel, recogniser: Recogniser | None = None) -> None:
        """Look at the high-resolution faces once.

        Args:
            references: faces to measure against. Where their landmarks are not known, those found on them count as
                true.
            landmarks: finds landmarks.
            recogniser: tells people apart; None leaves that out.
        """
        self._landmarks = landmarks
        self.recogniser = recogniser
        found = landmarks(references.hr).points
        self.wanted = found if references.landmarks is None else references.landmarks
        self.wanted_from = "found on the high-resolution faces" if references.landmarks is None else references.name
        embeddings = None
        if recogniser is not None:
            parts = _parts(len(references.hr))
            embeddings = np.concatenate([recogniser(references.hr[part]) for part in parts])
        self.hr = Judgement({by: nrmse(found, self.wanted, by) for by in NORMALISERS}, embeddings)

    def __call__(self, faces: NDArray[np.uint8], part: slice) -> Judgement:
        """Judge some of the faces.

        Args:
            faces: (n, 128, 128, 3) uint8 RGB.
            part: which of the references they are.
        """
        found = self._landmarks(faces).points
        errors: dict[Normaliser, NDArray[np.float64]] = {by: nrmse(found, self.wanted[part], by) for by in NORMALISERS}
        return Judgement(errors, None if self.recogniser is None else self.recogniser(faces))


class Scores(NamedTuple):
    """What one contender reached, face by face.

    Attributes:
        name: of the contender.
        psnr: by protocol, (N, T) dB of every step, infinite where a face came back exactly.
        ssim: by protocol, (N, T).
        deviation_mean, deviation_worst: (N,) grey levels between the reduction of the last step and the input.
        judged: of the last step; None if not asked for.
    """

    name: str
    psnr: Mapping[str, NDArray[np.float64]]
    ssim: Mapping[str, NDArray[np.float64]]
    deviation_mean: NDArray[np.float64]
    deviation_worst: NDArray[np.float64]
    judged: Judgement | None


def _parts(count: int) -> list[slice]:
    return [slice(first, min(count, first + _PART)) for first in range(0, count, _PART)]


def _score_part(
    contender: Contender,
    references: References,
    part: slice,
    lr_size: int,
    judges: Judges | None,
    protocols: Sequence[Protocol],
    damage: Damage,
) -> Scores:
    hr = damage.truth(references.hr[part])
    lr = [damage.crop(face, lr_size, number) for number, face in enumerate(hr, part.start)]
    steps = np.stack([result.sr for result in contender(lr)], axis=1)
    away = np.stack([np.abs(deviation(sr, crop)) for sr, crop in zip(steps[-1], lr, strict=True)])
    return Scores(
        contender.name,
        {protocol.name: np.stack([protocol.psnr(step, hr) for step in steps], axis=1) for protocol in protocols},
        {protocol.name: np.stack([protocol.ssim(step, hr) for step in steps], axis=1) for protocol in protocols},
        away.mean(axis=(1, 2, 3)),
        away.max(axis=(1, 2, 3)).astype(np.float64),
        None if judges is None else judges(steps[-1], part),
    )


def _joined(parts: Sequence[Mapping[str, NDArray[np.float64]]]) -> dict[str, NDArray[np.float64]]:
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def score(
    contender: Contender,
    references: References,
    lr_size: int,
    judges: Judges | None = None,
    protocols: Sequence[Protocol] = PROTOCOLS,
    *,
    damage: Damage = NO_DAMAGE,
) -> Scores:
    """Reduce faces, super-resolve them, and compare.

    Args:
        contender: what is measured.
        references: faces to measure against.
        lr_size: side of the low-resolution crop, reduced with Pillow's bicubic.
        judges: made for the same references; None leaves landmarks and people out.
        protocols: how faces are compared.
        damage: what happens to the faces first.
    """
    parts = [
        _score_part(contender, references, part, lr_size, judges, protocols, damage)
        for part in _parts(len(references.hr))
    ]
    judged = [part.judged for part in parts if part.judged is not None]
    return Scores(
        contender.name,
        _joined([part.psnr for part in parts]),
        _joined([part.ssim for part in parts]),
        np.concatenate([part.deviation_mean for part in parts]),
        np.concatenate([part.deviation_worst for part in parts]),
        _joined_judgements(judged) if judged else None,
    )


def _joined_judgements(parts: Sequence[Judgement]) -> Judgement:
    embeddings = [part.embeddings for part in parts if part.embeddings is not None]
    return Judgement(
        {by: np.concatenate([part.nrmse[by] for part in parts]) for by in NORMALISERS},
        np.concatenate(embeddings) if embeddings else None,
    )
