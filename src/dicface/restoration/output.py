"""The photo that is written for a result: transparency, landmarks, metadata, provenance."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dicface.images.draw import draw_landmarks
from dicface.images.metadata import NO_METADATA, Metadata, result_metadata
from dicface.images.photo import Photo
from dicface.images.pixels import resize
from dicface.images.xmp import Provenance
from dicface.restoration.large_faces import LargeFaces
from dicface.restoration.paste import mask_of, paste
from dicface.restoration.results import Face, Outcome, Restoration
from dicface.restoration.sized_models import SizedModels
from dicface.runtime.background import BackgroundModel
from dicface.runtime.face_model import FaceModel
from dicface.runtime.model_files import ModelFiles
from dicface.runtime.uncertainty import LEVELS_PER_GREY, map_image

_MAP = f"expected error of luma, {LEVELS_PER_GREY} levels a grey level"


def provenance_of(model: FaceModel, faces: Sequence[Face]) -> Provenance:
    """Provenance of a result.

    Args:
        model: the model that made the faces; for a path, only the file name is recorded.
        faces: those it made.
    """
    known = [face.invented_detail for face in faces if face.invented_detail is not None]
    return Provenance(*model.files, len(faces), invented_detail=float(np.mean(known)) if known else None)


def restored_by(
    models: SizedModels, faces: Sequence[Face], large: LargeFaces | None, background: BackgroundModel | None
) -> Provenance:
    """Provenance of a photo; names and hashes are joined by " + " where several networks made parts of it.

    Args:
        models: the face models.
        faces: of the photo.
        large: the network for large faces; None without one.
        background: the network for the rest of the photo; None without one.
    """
    restored = [face for face in faces if face.outcome is Outcome.RESTORED]
    said, used = provenance_of(models.model, restored), {face.model for face in restored}
    ours = {"": models.model.files} | {files.title: files for files in models.last_pass}
    networks = [files for name, files in ours.items() if name in used or not (name or restored)]
    if large is not None and large.network.name in used:
        networks.append(ModelFiles(large.network.name, large.network.sha256))
    if background is not None:
        networks.append(ModelFiles(background.name, background.sha256))
    names, hashes = zip(*networks, strict=True)
    return said._replace(model=" + ".join(names), model_sha256=" + ".join(hashes))


@dataclass(frozen=True)
class Output:
    """What is written of a result.

    Attributes:
        mark: write the provenance: that a network made parts of the result, and which.
        metadata: keep EXIF, XMP and colour profile of the source.
        gps: keep the place where the photo was taken.
        landmarks: draw the landmarks of restored faces.
        uncertainty: file for the map of expected errors; None for none.
        overwrite: replace results that exist.
    """

    mark: bool = True
    metadata: bool = True
    gps: bool = False
    landmarks: bool = False
    uncertainty: Path | None = None
    overwrite: bool = False


def result_photo(photo: Photo, restoration: Restoration, output: Output) -> Photo:
    """The photo to write for a restored photo.

    Args:
        photo: the source.
        restoration: the result.
        output: what to write of it.
    """
    image = restoration.image
    height, width = photo.pixels.shape[:2]
    size = (image.shape[1], image.shape[0])
    scale = (size[0] / width, size[1] / height)
    for face in restoration.faces:
        if output.landmarks and face.landmarks is not None:
            enlarged = (face.landmarks + 0.5) * scale - 0.5
            image = draw_landmarks(image, enlarged, max(1, round(face.square.side * scale[0] / 120)))
    alpha = None if photo.alpha is None else resize(photo.alpha, size)
    return Photo(image, alpha, photo.grey and not output.landmarks, metadata_of(photo, image, restoration, output))


def metadata_of(photo: Photo, image: NDArray[np.uint8], restoration: Restoration, output: Output) -> Metadata:
    """The metadata to write for a result.

    Args:
        photo: the source.
        image: (H, W, 3) uint8 RGB, the image to write.
        restoration: the result, which has the provenance.
        output: what to write of it.
    """
    source = photo.metadata if output.metadata else NO_METADATA
    return result_metadata(source, image, restoration.provenance if output.mark else None, keep_gps=output.gps)


def with_provenance(
    pixels: NDArray[np.uint8], provenance: Provenance | None, shows: str = "", *, grey: bool = False
) -> Photo:
    """An image that accompanies a result, with the result's provenance.

    Args:
        pixels: (H, W, 3) uint8 RGB.
        provenance: provenance of the result; None leaves that out.
        shows: description of the image.
        grey: the three channels are equal.
    """
    said = None if provenance is None else provenance._replace(shows=shows)
    return Photo(pixels, grey=grey, metadata=result_metadata(NO_METADATA, pixels, said))


def uncertainty_photo(photo: Photo, restoration: Restoration, provenance: Provenance | None) -> Photo:
    """The uncertainty of all faces as one grey image of the restored photo's size.

    It has the soft edges of the faces, and is black elsewhere.

    Args:
        photo: the source.
        restoration: a result with `uncertainty`.
        provenance: provenance of the result; None leaves that out.
    """
    height, width = restoration.image.shape[:2]
    scale = (width / photo.pixels.shape[1], height / photo.pixels.shape[0])
    canvas = np.zeros_like(restoration.image)
    for face in restoration.faces:
        if face.uncertainty is not None:
            paste(canvas, _as_colour(map_image(face.uncertainty)), face.square, scale, mask=mask_of(face))
    return with_provenance(canvas, provenance, _MAP, grey=True)


def uncertainty_crop(errors: NDArray[np.floating], provenance: Provenance | None) -> Photo:
    """The uncertainty of one face as a grey image.

    Args:
        errors: (R, R) float, expected errors in grey levels.
        provenance: provenance of the result; None leaves that out.
    """
    return with_provenance(_as_colour(map_image(errors)), provenance, _MAP, grey=True)


def _as_colour(grey: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.repeat(grey[:, :, None], 3, axis=2)
