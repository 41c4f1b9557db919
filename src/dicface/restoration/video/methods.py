"""What a `Restorer` does with clips."""

from collections.abc import Callable, Collection, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, cast

from dicface.faces.detection import Detector
from dicface.faces.verification import Verification
from dicface.images.clips import CodecName, need_video_extra
from dicface.images.photo import ImageLike, read_pixels
from dicface.images.xmp import Provenance
from dicface.restoration.choice import FaceChoice, Strength
from dicface.restoration.output import Output
from dicface.restoration.scale import check_scale
from dicface.restoration.sized_models import SizedModels
from dicface.restoration.video.frames import FrameRestorer, RestoredFrame
from dicface.restoration.video.results import VideoResult
from dicface.restoration.video.steadiness import SteadyFace
from dicface.runtime.background import BackgroundModel, enlarge_to
from dicface.runtime.face_model import FaceModel

if TYPE_CHECKING:
    from dicface.restoration.restorer import Restorer
    from dicface.restoration.video.clip import ClipProgress


class ClipMethods:
    """The methods of `Restorer` for clips.

    Attributes:
        model: the face model.
    """

    model: FaceModel
    _models: SizedModels
    _detect: Detector
    _verify: Verification
    _background: BackgroundModel | None

    def restore_frames(
        self,
        frames: Iterable[ImageLike],
        *,
        rate: float = 25.0,
        scale: float = 1.0,
        strength: Strength = 1.0,
        min_face: float | None = None,
        max_face: float | None = None,
        faces: Collection[int] | None = None,
        adaptive: bool = True,
        force: bool = False,
    ) -> Iterator[RestoredFrame]:
        """Restore the frames of a clip, one after the other, with steady faces (docs/video.md).

        Each frame is read when its turn comes, and none is kept. Faces that are too large for the model are left alone,
        even with `large_faces`.

        Args:
            frames: of one size, in their order, each as the image of `restore`.
            rate: frames a second; 1 to 60 or so.
            scale: enlargement, 1 to 8.
            strength, faces: see `faces`; numbers are those of `RestoredFrame.faces`, which a face keeps over time.
            min_face, max_face, adaptive, force: see `faces`.

        Yields:
            Each frame, restored.

        Raises:
            UsageError: wrong pixels, or a scale, rate, strength, size or number out of its range.
            ImageError: a file that cannot be read.
        """
        choice = FaceChoice(strength, min_face, max_face, faces, force, adaptive)
        return map(self.frame_restorer(choice, scale=scale, rate=rate), map(read_pixels, frames))

    def restore_video(
        self,
        source: str | Path,
        target: str | Path,
        *,
        scale: float = 1.0,
        strength: Strength = 1.0,
        min_face: float | None = None,
        max_face: float | None = None,
        faces: Collection[int] | None = None,
        adaptive: bool = True,
        force: bool = False,
        codec: CodecName | None = None,
        crf: float | None = None,
        start_s: float | None = None,
        end_s: float | None = None,
        output: Output | None = None,
        progress: "ClipProgress" = lambda _done, _all: None,
        is_stopped: Callable[[], bool] = lambda: False,
    ) -> VideoResult:
        """Restore the small faces of a clip, and write it with its sound and its time stamps (docs/video.md).

        It needs the extra `video`. Memory does not grow with the length of the clip. KeyboardInterrupt and SystemExit
        are raised again after the result has been finished with the frames so far.

        Args:
            source: the clip: MP4, MOV, MKV or WebM, not HDR.
            target: the result, in the container that its suffix names; it never replaces the source.
            scale, strength, min_face, max_face, faces, adaptive, force: see `restore_frames`; numbers are those of
                `VideoResult.tracks`.
            codec: h264, h265, vp9 or av1; None takes VP9 for WebM and H.264 for others.
            crf: constant rate factor of the encoder; None takes 18 for H.264, 20 for H.265, 28 for VP9 and AV1.
            start_s, end_s: the part to restore, in seconds; what comes before and after is left out.
            output: what is written; None means `Output()`. There are no maps of errors.
            progress: called after each frame with the number of finished frames and of all; the latter None if unknown.
            is_stopped: asked before each frame; once it is true, the result is finished as it is.

        Raises:
            ClipError: the source cannot be read.
            OutputError: the result exists, would replace the source, or cannot be written.
            UsageError: the extra is missing, or see `restore_frames`; a codec, factor or part that does not exist.
        """
        need_video_extra()
        # These need the extra, or need this class.
        from dicface.restoration.settings import restore_digest, video_digest
        from dicface.restoration.video.clip import ClipWork, check_clip_files, checked_part
        from dicface.restoration.video.writing import encoding_for

        source, target, output = Path(source), Path(target), output or Output()
        check_clip_files(source, target, overwrite=output.overwrite)
        part, encoding = checked_part(start_s, end_s), encoding_for(target, codec, crf)
        choice = FaceChoice(strength, min_face, max_face, faces, force, adaptive)
        check_scale(scale)
        digest = restore_digest(
            cast("Restorer", self),
            scale=scale,
            strength=strength,
            min_face=min_face,
            max_face=max_face,
            faces=faces,
            adaptive=adaptive,
            force=force,
            output=output,
        )
        titles, hashes = zip(*self._models.last_pass, strict=True)
        said = Provenance(" + ".join(titles), " + ".join(hashes), 1)
        digest = video_digest(digest, codec=codec, crf=crf, start_s=part.start_s, end_s=part.end_s)
        return ClipWork(
            source,
            target,
            make_restorer=lambda rate: self.frame_restorer(choice, scale=scale, rate=rate),
            scale=scale,
            provenance=said._replace(settings_sha256=digest),
            part=part,
            encoding=encoding,
            output=output,
            progress=progress,
            is_stopped=is_stopped,
        )()

    def frame_restorer(
        self,
        choice: FaceChoice,
        *,
        scale: float,
        rate: float,
        make_average: Callable[[], SteadyFace] = SteadyFace,
    ) -> FrameRestorer:
        """A function that restores the frames of one clip, called with each in turn.

        Args:
            choice: which faces are restored.
            scale, rate: see `restore_frames`.
            make_average: makes the average over time of one face.

        Raises:
            UsageError: a scale or a rate out of its range.
        """
        check_scale(scale)
        enlarge = partial(enlarge_to, network=self._background)
        return FrameRestorer(
            self._models,
            self._detect,
            self._verify,
            enlarge,
            choice=choice,
            scale=float(scale),
            rate=rate,
            make_average=make_average,
        )
