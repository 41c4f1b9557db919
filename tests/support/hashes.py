"""Hashes of faces that do not exist."""

import numpy as np


def random_hashes(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 2**64, (count, 2, 4), dtype=np.uint64)


def flipped(hashes: np.ndarray, bits: int) -> np.ndarray:
    """The same hash with that many bits changed."""
    changed = hashes.copy()
    for bit in range(bits):
        changed[0, bit // 64] ^= np.uint64(1 << bit % 64)
    return changed
