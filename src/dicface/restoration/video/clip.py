"""Restoring of a clip from file to file."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from dicface.errors import ClipError, UsageError
from dicface.files import check_target, real_path, written_whole
from dicface.images.clips import CLIP_SUFFIXES
from dicface.images.draw import draw_landmarks
from dicface.images.xmp import Provenance
from dicface.restoration.output import Output
from dicface.restoration.results import Outcome
from dicface.restoration.stages import Stages
from dicface.restoration.video.comment import comment_of, without_settings
from dicface.restoration.video.frames import FrameRestorer, RestoredFrame
from dicface.restoration.video.reading import Clip, ClipFrame
from dicface.restoration.video.results import VideoResult
from dicface.restoration.video.sentence import clip_sentence
from dicface.restoration.video.writing import ClipWriter, Encoding

_OTHERS_LATE_S = 2.0
"""How far behind the frames packets of other streams are still looked for at the end of a part."""
ClipProgress = Callable[[int, int | None], None]
"""Called with the number of finished frames and that of all; None if the file does not say."""


class ClipPart(NamedTuple):
    """The part of a clip that is restored.

    Attributes:
        start_s, end_s: in seconds; None for the end of the clip.
    """

    start_s: float = 0.0
    end_s: float | None = None


def checked_part(start_s: float | None, end_s: float | None) -> ClipPart:
    """A part of a clip.

    Raises:
        UsageError: it begins before the clip, or ends before it begins.
    """
    part = ClipPart(start_s or 0.0, end_s)
    if not part.start_s >= 0:
        raise UsageError(f"expected `start_s` in seconds, 0 or more, got {part.start_s:g}")
    if end_s is not None and not end_s > part.start_s:
        raise UsageError(f"expected `end_s` after the start at {part.start_s:g} s, got {end_s:g}")
    return part


def check_clip_files(source: Path, target: Path, *, overwrite: bool) -> None:
    """Check the files of a call before any work.

    Raises:
        UsageError: the result's suffix is not that of a clip.
        OutputError: it exists, or would replace the source.
    """
    if target.suffix.lower() not in CLIP_SUFFIXES:
        raise UsageError(f"expected an output ending in one of {' '.join(CLIP_SUFFIXES)}, got {target.name!r}")
    check_target(target, overwrite=overwrite, inputs=(real_path(source),))


class ClipWork:
    """The restoring of one clip: reads, restores and writes frame by frame.

    Args:
        source, target: the files.
        make_restorer: makes the restorer of frames for a rate.
        scale: enlargement.
        provenance: of the result.
        part: the part of the clip that is restored.
        encoding: of the result.
        output: what is written.
        progress: is told after each frame.
        is_stopped: is asked before each frame; once it is true, the result is finished as it is.
    """

    def __init__(
        self,
        source: Path,
        target: Path,
        *,
        make_restorer: Callable[[float], FrameRestorer],
        scale: float,
        provenance: Provenance,
        part: ClipPart,
        encoding: Encoding,
        output: Output,
        progress: ClipProgress,
        is_stopped: Callable[[], bool],
    ) -> None:
        self._source, self._target = source, target
        self._make_restorer, self._scale, self._provenance = make_restorer, scale, provenance
        self._part, self._encoding, self._output = part, encoding, output
        self._progress, self._is_stopped = progress, is_stopped
        self._frames, self._stages = 0, Stages()

    def __call__(self) -> VideoResult:
        """Restore the clip.

        Raises:
            ClipError: the source cannot be read, or has no frame in the part.
            OutputError: the result cannot be written.
            KeyboardInterrupt, SystemExit: after the result was finished with the frames so far.
        """
        interruption: BaseException | None = None
        with Clip(self._source) as clip, written_whole(self._target) as file:
            restorer = self._make_restorer(clip.facts.rate)
            size = (round(clip.facts.width * self._scale), round(clip.facts.height * self._scale))
            writer = ClipWriter(
                file,
                clip,
                size,
                self._encoding,
                comment=comment_of(self._provenance) if self._output.mark else "",
                metadata=self._output.metadata,
                keep_gps=self._output.gps,
                start_s=self._part.start_s,
            )
            try:
                complete = self._run(clip, writer, restorer)
            except (KeyboardInterrupt, SystemExit) as error:
                interruption, complete = error, False
            except BaseException:
                writer.abandon()
                raise
            if not self._frames:
                writer.abandon()
                raise interruption or ClipError(f"expected frames {_part_text(self._part)}, found none")
            with self._stages.measure("write"):
                writer.close()
                if not complete:
                    without_settings(file)
        result = self._result(clip, writer, restorer, size, stopped=not complete)
        if interruption is not None:
            raise interruption
        return result

    def _run(self, clip: Clip, writer: ClipWriter, restorer: FrameRestorer) -> bool:
        """Restore and write the part; returns whether its end was reached."""
        start_s, end_s = self._part
        total = _count(clip, self._part)
        items = clip.items(start_s)
        while True:
            with self._stages.measure("read"):
                item = next(items, None)
            if item is None:
                return True
            if not isinstance(item, ClipFrame):
                time_s = float((item.pts if item.pts is not None else item.dts or 0) * item.time_base)
                # Sound may begin before time 0, with packets that decoders need and do not play.
                if (not start_s or time_s >= start_s) and (end_s is None or time_s < end_s):
                    writer.write_packet(item)
                continue
            time_s = float(item.pts * clip.facts.time_base)
            if end_s is not None and time_s >= end_s + _OTHERS_LATE_S:
                return True
            if (start_s and time_s < start_s) or (end_s is not None and time_s >= end_s):
                continue
            if self._is_stopped():
                return False
            restored = restorer(item.pixels)
            with self._stages.measure("write"):
                writer.write_frame(self._drawn(restored), item.pts)
            self._frames += 1
            self._progress(self._frames, total)

    def _drawn(self, frame: RestoredFrame) -> Any:
        image = frame.image
        for face in frame.faces:
            if self._output.landmarks and face.landmarks is not None:
                enlarged = (face.landmarks + 0.5) * self._scale - 0.5
                image = draw_landmarks(image, enlarged, max(1, round(face.square.side * self._scale / 120)))
        return image

    def _result(
        self, clip: Clip, writer: ClipWriter, restorer: FrameRestorer, size: tuple[int, int], *, stopped: bool
    ) -> VideoResult:
        damaged = (f"{clip.damaged} damaged packets or frames left out",) if clip.damaged else ()
        notes = (*clip.facts.notes, *writer.notes, *damaged)
        tracks = restorer.tracks
        restored = sum(track.outcome is Outcome.RESTORED for track in tracks)
        return VideoResult(
            self._source,
            self._target,
            size,
            self._frames,
            clip.facts.rate,
            tracks,
            self._scale,
            self._provenance._replace(faces=restored),
            stopped,
            clip_sentence(tracks, self._frames, notes, stopped=stopped),
            notes,
            {**self._stages.spent_s, **restorer.stages.spent_s},
        )


def _count(clip: Clip, part: ClipPart) -> int | None:
    """Number of frames in a part, as far as the file says."""
    length_s = clip.facts.length_s
    if length_s is None:
        return None
    end_s = length_s if part.end_s is None else min(part.end_s, length_s)
    return max(1, round((end_s - part.start_s) * clip.facts.rate))


def _part_text(part: ClipPart) -> str:
    end = "its end" if part.end_s is None else f"{part.end_s:g} s"
    return f"of the clip from {part.start_s:g} s to {end}"
