"""From restored pixels to the photo that is written: transparency, landmarks, metadata, and what it says of itself."""

from pathlib import Path

from dicface.draw import draw_landmarks
from dicface.images import Photo, resize
from dicface.metadata import NO_METADATA, of_result
from dicface.pipeline.restore import Outcome, Restoration
from dicface.runtime.models import FaceModel
from dicface.xmp import Mark


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
