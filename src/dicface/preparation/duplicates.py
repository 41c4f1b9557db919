"""Faces that look alike, found by perceptual hashes.

A hash has 256 bits, the signs of the lowest 16x16 cosine coefficients of the grey 64x64 face about their median. Of the
same picture saved, scaled or moved a little it differs in few bits; of unrelated faces in about half. All pairs are
compared: a hundred thousand faces take minutes, next to hours of detection. Source of both limits: ADR 16.
"""

from collections.abc import Iterator

import imagehash
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

SAME_BITS = 38
"""Up to that many differing bits, two faces are the same picture."""
ALIKE_BITS = 52
"""Up to that many, they may be: not certain enough to drop one, too near to be on two sides of a split."""
_WORDS = 4
_BLOCK = 64

Hashes = NDArray[np.uint64]
"""(N, 2, 4) uint64: of each face 256 bits, and the same of its mirror image."""


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
    """How many bits the hashes differ in, a face taken as it is or mirrored, whichever is nearer.

    Args:
        some: (A, 2, 4).
        others: (B, 2, 4).

    Returns:
        (A, B) uint16.
    """
    distances = np.zeros((2, len(some), len(others)), dtype=np.uint16)
    for view in (0, 1):
        for word in range(_WORDS):
            distances[view] += np.bitwise_count(some[:, None, view, word] ^ others[None, :, 0, word])
    return distances.min(axis=0)


def first_copies(hashes: Hashes, limit: int = SAME_BITS) -> NDArray[np.int64]:
    """Which earlier face each face repeats.

    Args:
        hashes: (N, 2, 4), in the order of the faces.
        limit: bits in which two hashes of one picture may differ.

    Returns:
        (N,) int64: the nearest of the earlier faces that are no repetitions themselves, -1 if there is none.
    """
    originals = np.full(len(hashes), -1, dtype=np.int64)
    kept = np.empty(len(hashes), dtype=np.int64)
    count = 0
    for start in range(0, len(hashes), _BLOCK):
        block = hashes[start : start + _BLOCK]
        # A block is compared with what is kept so far at once, and with what is kept of itself one by one.
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
    """Faces that look alike.

    Args:
        hashes: (N, 2, 4).
        limit: bits in which hashes of faces alike may differ.

    Yields:
        The number of a face, and those of all earlier ones like it, if there are any.
    """
    for start in range(0, len(hashes), _BLOCK):
        block = hashes[start : start + _BLOCK]
        near = differing_bits(block, hashes[: start + len(block)]) <= limit
        for row in range(len(block)):
            earlier = np.flatnonzero(near[row, : start + row])
            if len(earlier):
                yield start + row, earlier
