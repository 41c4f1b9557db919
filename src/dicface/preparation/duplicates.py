"""Near duplicates by perceptual hashes.

A hash has 256 bits: whether each of the lowest 16x16 DCT coefficients of the grey 64x64 face exceeds their median.
Copies of a picture that were saved again, scaled or shifted differ in few bits; unrelated faces in about half. All
pairs are compared: a hundred thousand faces take minutes, detecting them takes hours. Source of both limits: ADR 16.
"""

from collections.abc import Iterator

import imagehash
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

SAME_BITS = 38
"""Largest number of differing bits of two copies of a picture."""
ALIKE_BITS = 52
"""Largest number of differing bits of faces that may be copies: both are kept, in the same split."""
_WORDS = 4
_BLOCK = 64

Hashes = NDArray[np.uint64]
"""(N, 2, 4) uint64: 256 bits of each face and of its mirror image."""


def face_hashes(face: NDArray[np.uint8]) -> Hashes:
    """Hash a face and its mirror image.

    Args:
        face: (128, 128, 3) uint8 RGB, the nominal crop.

    Returns:
        (2, 4) uint64.
    """
    image = Image.fromarray(face)
    bits = [imagehash.phash(view, hash_size=16).hash for view in (image, ImageOps.mirror(image))]
    return np.packbits(np.stack(bits).reshape(2, -1), axis=1).view(np.uint64)


def differing_bits(some: Hashes, others: Hashes) -> NDArray[np.uint16]:
    """Hamming distances between hashes, of the face or its mirror image, whichever is nearer.

    Args:
        some: (A, 2, 4) uint64.
        others: (B, 2, 4) uint64.

    Returns:
        (A, B) uint16.
    """
    distances = np.zeros((2, len(some), len(others)), dtype=np.uint16)
    for view in (0, 1):
        for word in range(_WORDS):
            distances[view] += np.bitwise_count(some[:, None, view, word] ^ others[None, :, 0, word])
    return distances.min(axis=0)


def first_copies(hashes: Hashes, limit: int = SAME_BITS) -> NDArray[np.int64]:
    """Find the earlier face that each face is a copy of.

    Args:
        hashes: (N, 2, 4) uint64, in the order of the faces.
        limit: largest number of differing bits of two copies.

    Returns:
        (N,) int64: the nearest earlier face that is not a copy itself; -1 if there is none.
    """
    originals = np.full(len(hashes), -1, dtype=np.int64)
    kept = np.empty(len(hashes), dtype=np.int64)
    count = 0
    for start in range(0, len(hashes), _BLOCK):
        block = hashes[start : start + _BLOCK]
        # A block is compared at once with faces kept before it, and row by row with faces kept from itself.
        before, within = differing_bits(block, hashes[kept[:count]]), differing_bits(block, block)
        known = count
        for row in range(len(block)):
            inside = kept[known:count] - start
            distances = np.concatenate([before[row], within[row, inside]])
            if len(distances) and distances.min() <= limit:
                originals[start + row] = kept[int(distances.argmin())]
            else:
                kept[count] = start + row
                count += 1
    return originals


def alike(hashes: Hashes, limit: int = ALIKE_BITS) -> Iterator[tuple[int, NDArray[np.int64]]]:
    """Pairs of faces that look alike.

    Args:
        hashes: (N, 2, 4) uint64.
        limit: largest number of differing bits.

    Yields:
        The number of a face and (K,) int64 numbers of the earlier faces like it; faces without any are left out.
    """
    for start in range(0, len(hashes), _BLOCK):
        block = hashes[start : start + _BLOCK]
        near = differing_bits(block, hashes[: start + len(block)]) <= limit
        for row in range(len(block)):
            earlier = np.flatnonzero(near[row, : start + row])
            if len(earlier):
                yield start + row, earlier
