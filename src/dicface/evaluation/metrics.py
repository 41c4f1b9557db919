"""PSNR and SSIM of 8-bit images, landmark errors, Fréchet distance, verification AUC, average precision."""

from typing import Literal

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from dicface.images.pixels import gaussian_weights

Normaliser = Literal["width", "outer_eye", "inter_ocular", "outer_eye_released"]

_PEAK = 255.0
_WINDOW_PX, _SIGMA_PX = 11, 1.5
_C1, _C2 = (0.01 * _PEAK) ** 2, (0.03 * _PEAK) ** 2


def studio_luma(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Luma of ITU-R BT.601 in its studio range.

    Args:
        images: (..., H, W, 3) uint8 RGB.

    Returns:
        (..., H, W, 1) uint8, 16 for black to 235 for white.

    Source: Y = 16 + (65.481 R + 128.553 G + 24.966 B) / 255, rounded.
    """
    weighted = images.astype(np.float64) @ np.array([65.481, 128.553, 24.966]) / 255 + 16
    return weighted.round().astype(np.uint8)[..., None]


def psnr(images: NDArray[np.uint8], references: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Peak signal-to-noise ratio of each image.

    Args:
        images, references: (N, H, W, C) uint8.

    Returns:
        (N,) float64 in dB; infinite for equal images.
    """
    difference = images.astype(np.float64) - references
    error = np.square(difference).mean(axis=(1, 2, 3))
    with np.errstate(divide="ignore"):
        return 10 * np.log10(_PEAK**2 / error)


def _blur(images: NDArray[np.float64]) -> NDArray[np.float64]:
    """Gaussian mean over every 11x11 window inside the image."""
    kernel = gaussian_weights(_SIGMA_PX, _WINDOW_PX // 2)
    rows = sliding_window_view(images, _WINDOW_PX, axis=1) @ kernel
    return sliding_window_view(rows, _WINDOW_PX, axis=2) @ kernel


def ssim(images: NDArray[np.uint8], references: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Structural similarity of each image: 11x11 Gaussian window, sigma 1.5, valid region.

    Args:
        images, references: (N, H, W, C) uint8, at least 11 px high and wide.

    Returns:
        (N,) float64, at most 1; the mean over windows and channels.

    Source: Wang et al., "Image Quality Assessment: From Error Visibility to Structural Similarity", 2004.
    """
    x, y = images.astype(np.float64), references.astype(np.float64)
    mean_x, mean_y = _blur(x), _blur(y)
    variance_x, variance_y = _blur(x * x) - mean_x**2, _blur(y * y) - mean_y**2
    covariance = _blur(x * y) - mean_x * mean_y
    similarity = ((2 * mean_x * mean_y + _C1) * (2 * covariance + _C2)) / (
        (mean_x**2 + mean_y**2 + _C1) * (variance_x + variance_y + _C2)
    )
    return similarity.mean(axis=(1, 2, 3))


def nrmse(
    found: NDArray[np.floating], wanted: NDArray[np.floating], by: Normaliser = "inter_ocular"
) -> NDArray[np.float64]:
    """Root mean square distance between landmarks, relative to the size of the face.

    Args:
        found: (N, 68, 2) x, y in pixels.
        wanted: (N, 68, 2), the true ones, which also give the size.
        by: `width` of the face (jaw points 1 and 17 of iBUG), `outer_eye` (outer corners) or `inter_ocular` (centres
            of the eyes).

    Returns:
        (N,) float64.

    Source: the paper's landmark evaluation. Its released code picks other points as eye corners (ADR 10).
    """
    wanted = np.asarray(wanted, dtype=np.float64)
    left, right = {
        "width": (wanted[:, 0], wanted[:, 16]),
        "outer_eye": (wanted[:, 36], wanted[:, 45]),
        "inter_ocular": (wanted[:, 36:42].mean(axis=1), wanted[:, 42:48].mean(axis=1)),
        "outer_eye_released": (wanted[:, 37], wanted[:, 46]),
    }[by]
    distance = np.sqrt(np.square(found - wanted).sum(axis=2).mean(axis=1))
    return distance / np.linalg.norm(left - right, axis=1)


def frechet_distance(features: NDArray[np.floating], others: NDArray[np.floating]) -> float:
    """Fréchet distance between two sets of feature vectors, each taken as a normal distribution.

    It falls with the number of vectors, so that only sets of the same size compare. With features other than those of
    Inception-v3 it is not the FID.

    Args:
        features, others: (N, E) and (M, E) float, at least two vectors each.

    Returns:
        |m1 - m2|^2 + tr(C1 + C2 - 2 (C1 C2)^(1/2)), 0 for equal sets.

    Source: Heusel et al., "GANs Trained by a Two Time-Scale Update Rule Converge to a Local Nash Equilibrium", 2017.
    """
    one, other = features.astype(np.float64), others.astype(np.float64)
    covariances = [np.atleast_2d(np.cov(each, rowvar=False)) for each in (one, other)]
    values, vectors = np.linalg.eigh(covariances[0])
    root = vectors * np.sqrt(values.clip(0)) @ vectors.T
    # C1 C2 and its symmetric form below have the same eigenvalues.
    between = np.sqrt(np.linalg.eigvalsh(root @ covariances[1] @ root).clip(0)).sum()
    means = np.square(one.mean(axis=0) - other.mean(axis=0)).sum()
    return max(0.0, float(means + np.trace(covariances[0]) + np.trace(covariances[1]) - 2 * between))


def verification_auc(embeddings: NDArray[np.floating], identities: NDArray[np.integer]) -> float:
    """Probability that two images of one identity have a higher cosine than two images of different identities.

    Args:
        embeddings: (N, E) float.
        identities: (N,) integers, with at least one pair of equal and one of different ones.

    Returns:
        Area under the ROC curve over all pairs: 0.5 for chance, 1 for perfect.
    """
    unit = embeddings / np.linalg.norm(embeddings, axis=1, keepdims=True)
    one, other = np.triu_indices(len(unit), k=1)
    cosines = (unit @ unit.T)[one, other]
    same = identities[one] == identities[other]
    ranks = np.empty(len(cosines))
    ranks[np.argsort(cosines, kind="stable")] = np.arange(1, len(cosines) + 1)
    hits, misses = int(same.sum()), int((~same).sum())
    return float((ranks[same].sum() - hits * (hits + 1) / 2) / (hits * misses))


def average_precision(scores: NDArray[np.floating], hits: NDArray[np.bool_], wanted: int) -> float:
    """Average precision of detections.

    Args:
        scores: (P,) float, confidence of each detection.
        hits: (P,) bool, whether it is a true positive; each target counts at most once.
        wanted: number of targets.

    Returns:
        0 to 1; the area under the precision-recall curve, with precision taken as the best at that recall or beyond.
    """
    if not wanted:
        return 0.0
    right = hits[np.argsort(-scores, kind="stable")].cumsum()
    precision = right / np.arange(1, len(right) + 1)
    best = np.maximum.accumulate(precision[::-1])[::-1]
    return float((best * np.diff(right, prepend=0)).sum() / wanted)
