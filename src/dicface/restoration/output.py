"""From restored pixels to the photo that is written: transparency, landmarks, metadata, and what it says of itself."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dicface.images.draw import draw_landmarks
from dicface.images.metadata import NO_METADATA, of_result
from dicface.images.photo import Photo
from dicface.images.pixels import resize
from dicface.images.xmp import Mark
from dicface.restoration.paste import paste
from dicface.restoration.results import Outcome, Restoration
from dicface.runtime.face_model import FaceModel
from dicface.runtime.uncertainty import LEVELS_PER_GREY, map_image

_MAP = f"expected error of luma, {LEVELS_PER_GREY} levels a grey level"


def mark_of(model: FaceModel, faces: int) -> Mark:
    """What a result says about itself.

    Args:
        model: that made the faces; of a file's path, only the name is told.
        faces: how many it made.
    """
    return Mark(Path(model.name).name, model.sha256, faces)


def mark_of_photo(model: FaceModel, restoration: Restoration) -> Mark:
    """See `mark_of`."""
    return mark_of(model, sum(face.outcome is Outcome.RESTORED for face in restoration.faces))


def result_photo(
    photo: Photo,
    restoration: Restoration,
    mark: Mark | None,
    *,
    strip_metadata: bool = False,
    keep_gps: bool = False,
    show_landmarks: bool = False,
) -> Photo:
    """What is to be written for a restored photo.

    Args:
        photo: that was restored.
        restoration: the result.
        mark: what it says about itself; None leaves that out.
        strip_metadata: keep nothing of what the photo's file said.
        keep_gps: keep the place where the photo was taken.
        show_landmarks: draw the landmarks of the restored faces.
    """
    image = restoration.image
    height, width = photo.pixels.shape[:2]
    size = (image.shape[1], image.shape[0])
    scale = (size[0] / width, size[1] / height)
    for face in restoration.faces:
        if show_landmarks and face.landmarks is not None:
            enlarged = (face.landmarks + 0.5) * scale - 0.5
            image = draw_landmarks(image, enlarged, max(1, round(face.square.side * scale[0] / 120)))
    alpha = None if photo.alpha is None else resize(photo.alpha, size)
    metadata = of_result(NO_METADATA if strip_metadata else photo.metadata, image, mark, keep_gps)
    return Photo(image, alpha, photo.grey and not show_landmarks, metadata)


def marked(pixels: NDArray[np.uint8], mark: Mark | None, shows: str = "", grey: bool = False) -> Photo:
    """A picture that goes with a result, and says as the result does what it is.

    Args:
        pixels: (H, W, 3) uint8 RGB.
        mark: of the result; None leaves that out.
        shows: what is to be seen.
        grey: the three channels are equal.
    """
    said = None if mark is None else mark._replace(shows=shows)
    return Photo(pixels, grey=grey, metadata=of_result(NO_METADATA, pixels, said))


def uncertainty_photo(photo: Photo, restoration: Restoration, mark: Mark | None) -> Photo:
    """The uncertainty of all faces as one grey picture that lies over the restored photo.

    It fades with the faces at the edges of their crops, and is black where no network made anything up.

    Args:
        photo: that was restored.
        restoration: with `uncertainty`.
        mark: of the result; None leaves that out.
    """
    height, width = restoration.image.shape[:2]
    scale = (width / photo.pixels.shape[1], height / photo.pixels.shape[0])
    canvas = np.zeros_like(restoration.image)
    for face in restoration.faces:
        if face.uncertainty is not None:
            paste(canvas, _as_colour(map_image(face.uncertainty)), face.square, scale)
    return marked(canvas, mark, _MAP, grey=True)


def uncertainty_crop(errors: NDArray[np.floating], mark: Mark | None) -> Photo:
    """The uncertainty of one face as a grey picture.

    Args:
        errors: (128, 128) in grey levels.
        mark: of the result; None leaves that out.
    """
    return marked(_as_colour(map_image(errors)), mark, _MAP, grey=True)


def _as_colour(grey: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.repeat(grey[:, :, None], 3, axis=2)
