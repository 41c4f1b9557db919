"""Model cards: what is known about each embedded model."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, TypeAlias

Kind = Literal["restoration", "landmarks", "features", "finder", "sharp"]
_SCORE_ALONE = "score alone"
"""Name, in a finder's card, of the coefficients for faces whose landmarks are unknown."""


@dataclass(frozen=True)
class PackFacts:
    """A pack that a model was trained on.

    Attributes:
        file: name of the file.
        faces: number of faces.
        sha256: SHA-256 of the file in hex.
    """

    file: str
    faces: int
    sha256: str


@dataclass(frozen=True)
class PublishedQuality:
    """PSNR in dB and SSIM by one protocol, bicubic beside them.

    Attributes:
        psnr, ssim: values of the last step.
        bicubic_psnr, bicubic_ssim: values of plain enlargement.
        steps_psnr: PSNR of every step.
    """

    psnr: float
    ssim: float
    bicubic_psnr: float
    bicubic_ssim: float
    steps_psnr: tuple[float, ...]


@dataclass(frozen=True)
class RestorationResult:
    """Results on crops of one size.

    Attributes:
        lr_size: side of the crop, in pixels.
        protocols: quality by protocol.
    """

    lr_size: int
    protocols: Mapping[str, PublishedQuality]


@dataclass(frozen=True)
class LandmarkResult:
    """Errors of landmarks.

    Attributes:
        data: the faces.
        n: number of faces.
        nrmse: mean normalised error by normaliser.
    """

    data: str
    n: int
    nrmse: Mapping[str, float]


@dataclass(frozen=True)
class FinderResult:
    """Results of a face finder.

    Attributes:
        data: the faces that the scenes are made of.
        scenes: number of scenes.
        n: faces to find in them.
        average_precision: from 0 to 1.
    """

    data: str
    scenes: int
    n: int
    average_precision: float


@dataclass(frozen=True)
class FeaturesResult:
    """Results of face features on identities that they were not trained on.

    Attributes:
        data: the faces.
        n: number of faces.
        identities: number of identities.
        auc: verification AUC: probability that two faces of one identity are more similar than two of different ones.
    """

    data: str
    n: int
    identities: int
    auc: float


@dataclass(frozen=True)
class SharpResult:
    """Results of a sharp twin at one sharpness, on crops of one size.

    Attributes:
        lr_size: side of the crop, in pixels.
        sharpness: 0 for the faithful network, 1 for the twin.
        psnr: by `y-crop8` for faces of 128 px, by `y` for larger ones, in dB.
        detail, correlation, stitch: see `DetailScores`.
        identity: mean similarity to the high-resolution face, see `dicface.evaluation.identity`.
        nrmse: mean landmark error, normalised by the distance of the outer eye corners.
    """

    lr_size: int
    sharpness: float
    psnr: float
    detail: float
    correlation: float
    stitch: float
    identity: float
    nrmse: float

    @property
    def invented(self) -> float:
        """Detail that is not in the high-resolution faces, as a share of the detail that is.

        Of the energy of a result's detail, the square of its correlation is that of what fits.
        """
        return self.detail * (1 - self.correlation**2)


class Coefficients(NamedTuple):
    """A logistic regression: log odds = bias + score * logit(detector's score) + confidence * heatmap confidence."""

    bias: float
    score: float
    confidence: float = 0.0


@dataclass(frozen=True)
class Calibration:
    """How likely it is that a detection of a finder is a face.

    Attributes:
        alone: coefficients where no landmarks are known.
        joint: coefficients where landmarks are known, by name of the restoration model that found them.
        threshold: probability from which a detection is a face.
    """

    alone: Coefficients
    joint: Mapping[str, Coefficients]
    threshold: float


CardResult: TypeAlias = RestorationResult | LandmarkResult | FinderResult | FeaturesResult | SharpResult


@dataclass(frozen=True)
class ModelCard:
    """What is known about an embedded model.

    Attributes:
        name: name of the model.
        description: the model in one sentence.
        kind: what the model is for.
        parameters: number of parameters.
        gflop: work for one face, or for a megapixel of a finder's photo; 2 x multiply-add.
        data: what it was trained on.
        samples: number of faces seen in training; of scenes for a finder.
        hardware: processors that it was trained on, and for how long.
        commit: commit of the code that trained it.
        command: commands that trained it, in order.
        numbers_data: the faces of `results`; empty where each result names its own.
        numbers_faces: number of these faces.
        results: measured results.
        sha256: SHA-256 of each file in hex, by suffix.
        licence, use: licence and permitted use as text.
        calibration: calibration of a finder; None for other kinds.
    """

    name: str
    description: str
    kind: Kind
    parameters: int
    gflop: float
    data: tuple[PackFacts, ...]
    samples: int
    hardware: str
    commit: str
    command: tuple[str, ...]
    numbers_data: str
    numbers_faces: int
    results: tuple[CardResult, ...]
    sha256: Mapping[str, str]
    licence: str
    use: str
    calibration: Calibration | None
    _text: str = field(repr=False, compare=False)

    def as_json(self) -> dict[str, Any]:
        """The whole card as its file has it."""
        return json.loads(self._text)


def _published(row: Mapping[str, Any]) -> PublishedQuality:
    plain = row["bicubic_psnr"], row["bicubic_ssim"]
    return PublishedQuality(row["psnr"], row["ssim"], *plain, tuple(row["steps_psnr"]))


def _result(kind: Kind, row: Mapping[str, Any]) -> CardResult:
    match kind:
        case "restoration":
            return RestorationResult(
                row["lr_size"], {name: _published(value) for name, value in row.items() if name != "lr_size"}
            )
        case "landmarks":
            return LandmarkResult(row["data"], row["n"], row["nrmse"])
        case "finder":
            return FinderResult(row["data"], row["scenes"], row["n"], row["average_precision"])
        case "features":
            return FeaturesResult(row["data"], row["n"], row["identities"], row["auc"])
        case "sharp":
            return SharpResult(**row)


def _calibration(verification: Mapping[str, Any]) -> Calibration:
    joint = {name: Coefficients(**values) for name, values in verification["coefficients"].items()}
    return Calibration(joint.pop(_SCORE_ALONE), joint, verification["threshold"])


def parse_card(name: str, text: str) -> ModelCard:
    """A card from the text of its file.

    Args:
        name: name of the model.
        text: JSON, as `scripts/embed.py` writes it.

    Raises:
        KeyError, TypeError, ValueError: it lacks something, or is no JSON.
    """
    card = json.loads(text)
    numbers, kind = card["numbers"], card["kind"]
    return ModelCard(
        name=name,
        description=card["description"],
        kind=kind,
        parameters=card["parameters"],
        gflop=card["gflop_per_megapixel" if kind == "finder" else "gflop_per_face"],
        data=tuple(PackFacts(**pack) for pack in card["data"]),
        samples=card["samples"],
        hardware=card["hardware"],
        commit=card["commit"],
        command=tuple(card["command"]),
        numbers_data=numbers.get("data", ""),
        numbers_faces=numbers.get("faces", 0),
        results=tuple(_result(kind, row) for row in numbers["results"]),
        sha256=card["sha256"],
        licence=card["licence"],
        use=card["use"],
        calibration=_calibration(card["verification"]) if "verification" in card else None,
        _text=text,
    )
