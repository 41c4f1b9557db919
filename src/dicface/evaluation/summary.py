"""Measurements as JSON."""

import math
from collections.abc import Mapping
from typing import Any

from dicface.evaluation.measure import Measurement
from dicface.evaluation.results import Comparison, IdentitySimilarity, LandmarkError, UpscalerResult
from dicface.evaluation.statistics import Paired


def _quality(result: UpscalerResult) -> dict[str, Any]:
    return {name: {"psnr": one.psnr.json, "ssim": one.ssim.json} for name, one in result.quality.items()}


def _steps(result: UpscalerResult) -> dict[str, Any]:
    return {
        name: [{"psnr": psnr if math.isfinite(psnr) else None, "ssim": ssim} for psnr, ssim in one.steps]
        for name, one in result.quality.items()
    }


def _comparison(comparison: Comparison) -> dict[str, Any]:
    kinds: dict[str, Mapping[Any, Paired] | None] = {
        "psnr": comparison.psnr,
        "ssim": comparison.ssim,
        "nrmse": comparison.nrmse,
    }
    result: dict[str, Any] = {
        kind: {name: pair.json for name, pair in pairs.items()} for kind, pairs in kinds.items() if pairs
    }
    return result if comparison.lpips is None else result | {"lpips": comparison.lpips.json}


def _landmark_errors(suffix: str, errors: Mapping[Any, LandmarkError] | None) -> dict[str, Any]:
    assert errors is not None
    return {
        f"nrmse{suffix}": {by: error.estimate.mean for by, error in errors.items()},
        f"nrmse{suffix}_ci95": {by: error.estimate.ci95 for by, error in errors.items()},
        f"nrmse{suffix}_median": {by: error.median for by, error in errors.items()},
    }


def _identity(similarity: IdentitySimilarity) -> dict[str, Any]:
    return {
        "auc": similarity.auc,
        "auc_held_out": None if similarity.held_out is None else similarity.held_out._asdict(),
        "others": similarity.others,
        "own": {name: own.json for name, own in similarity.own.items()},
        "rank1_accuracy": dict(similarity.rank1_accuracy),
        "frechet": dict(similarity.frechet),
    }


def summary(measured: Measurement) -> dict[str, Any]:
    """A measurement as JSON-ready values.

    Returns:
        A dict with these keys:

        - `data`, `n`, `model`, `description`, `lr_size`, `damage` (empty for none);
        - `protocols` and `bicubic`: by protocol, mean and 95 % interval of PSNR in dB and of SSIM;
        - `steps`: by protocol, the means of each step;
        - `over_bicubic`: paired differences with their interval, and the shares of faces that are better and worse;
        - `consistency`: by upscaler, grey levels between the reduced result and the input;
        - `detail`: by upscaler `share`, `correlation` and `stitch`, see `DetailScores`;
        - with judges `nrmse_reference`; `nrmse` (means), `nrmse_ci95` and `nrmse_median`, fractions by normaliser; and
          these three with `nrmse_bicubic` and `nrmse_hr` in place of `nrmse`;
        - with a recogniser `identity`; with another model `against`;
        - with LPIPS `lpips`: `weights`, the SHA-256 of the files of `alexnet` and of the `linear` layers, and by
          upscaler `distance`, mean and 95 % interval; `over_bicubic` and `against` have the difference, too.

        Infinite means are null.
    """
    mine = measured.result
    result: dict[str, Any] = {
        "data": measured.references.name,
        "n": len(measured.references.keys),
        "model": mine.name,
        "description": measured.description,
        "lr_size": measured.lr_size,
        "damage": measured.damage.name,
        "protocols": _quality(mine),
        "bicubic": _quality(measured.bicubic),
        "steps": _steps(mine),
        "over_bicubic": _comparison(measured.over_bicubic),
        "consistency": {
            one.name: {"mean": one.deviation_mean, "worst": one.deviation_worst} for one in measured.results
        },
        "detail": {one.name: one.detail._asdict() for one in measured.results},
    }
    if measured.landmarks_from is not None:
        result["nrmse_reference"] = measured.landmarks_from
        result |= _landmark_errors("", mine.landmark_errors)
        result |= _landmark_errors("_bicubic", measured.bicubic.landmark_errors)
        result |= _landmark_errors("_hr", measured.hr_landmark_errors)
    if measured.identity is not None:
        result["identity"] = _identity(measured.identity)
    if measured.lpips_digests is not None:
        distances = {one.name: one.lpips.json for one in measured.results if one.lpips is not None}
        result["lpips"] = {"weights": measured.lpips_digests._asdict(), "distance": distances}
    if measured.against is not None and measured.over_against is not None:
        result["against"] = {
            "model": measured.against.name,
            "protocols": _quality(measured.against),
            **_comparison(measured.over_against),
        }
    return result
