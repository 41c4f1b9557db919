"""The same picture is known again, other faces are not taken for it."""

import io

import numpy as np
import pytest
from PIL import Image

from dicface.images.pixels import resize
from dicface.preparation.duplicates import ALIKE_BITS, SAME_BITS, alike, differing_bits, face_hashes, first_copies
from tests.support.hashes import flipped, random_hashes


def picture(seed: int) -> np.ndarray:
    """(160, 160, 3) uint8, smooth, unlike those of other seeds."""
    return resize(np.random.default_rng(seed).integers(0, 256, (9, 9, 3), dtype=np.uint8), (160, 160))


def nominal(pixels: np.ndarray, shift: int = 0) -> np.ndarray:
    return np.ascontiguousarray(pixels[16 + shift : 144 + shift, 16 - shift : 144 - shift])


def compressed(pixels: np.ndarray) -> np.ndarray:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=40)
    return np.asarray(Image.open(file))


@pytest.mark.parametrize("kind", ["compressed", "smaller", "shifted", "darker", "mirrored"])
def test_copies_are_near(kind: str, portrait: np.ndarray) -> None:
    face = resize(np.ascontiguousarray(portrait[60:220, 145:305]), (160, 160))
    copy = {
        "compressed": compressed(nominal(face)),
        "smaller": resize(resize(nominal(face), (60, 60)), (128, 128)),
        "shifted": nominal(face, 1),
        "darker": (nominal(face) * 0.8).astype(np.uint8),
        "mirrored": np.ascontiguousarray(nominal(face)[:, ::-1]),
    }[kind]
    bits = differing_bits(face_hashes(nominal(face))[None], face_hashes(copy)[None])
    assert bits[0, 0] <= SAME_BITS


def test_other_pictures_are_far() -> None:
    hashes = np.stack([face_hashes(nominal(picture(seed))) for seed in range(20)])
    bits = differing_bits(hashes, hashes)
    assert (np.diag(bits) == 0).all()
    assert bits[~np.eye(20, dtype=bool)].min() > ALIKE_BITS


def test_bits_are_counted() -> None:
    (base,) = random_hashes(1)
    for bits in (0, 1, 64, 100):
        assert differing_bits(flipped(base, bits)[None], base[None])[0, 0] == bits


def test_each_copy_names_the_nearest_that_stays() -> None:
    """Over the blocks' edges: 200 faces, of which some repeat the third or the hundredth."""
    hashes = random_hashes(200)
    copies = {5: (2, SAME_BITS), 70: (2, 3), 130: (99, 10), 131: (99, 0), 199: (2, 1)}
    for index, (original, bits) in copies.items():
        hashes[index] = flipped(hashes[original], bits)
    hashes[150] = flipped(hashes[2], SAME_BITS + 1)
    found = first_copies(hashes)
    assert {index: int(found[index]) for index in np.flatnonzero(found >= 0)} == {
        index: original for index, (original, _) in copies.items()
    }


def test_a_copy_of_a_copy_is_measured_against_what_stays() -> None:
    """Otherwise a slow change from face to face would leave one of a hundred."""
    (base,) = random_hashes(1)
    chain = np.stack([flipped(base, 20 * step) for step in range(4)])
    assert first_copies(chain).tolist() == [-1, 0, -1, 2]


def test_faces_alike_are_paired() -> None:
    hashes = random_hashes(150)
    hashes[140] = flipped(hashes[3], ALIKE_BITS)
    hashes[149] = flipped(hashes[3], 1)
    pairs = {index: earlier.tolist() for index, earlier in alike(hashes)}
    assert pairs == {140: [3], 149: [3, 140]}


def test_no_faces() -> None:
    assert len(first_copies(random_hashes(0))) == 0
    assert list(alike(random_hashes(0))) == []
