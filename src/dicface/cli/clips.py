"""Clips among the inputs of the command restore."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from dicface.cli.messages import Messages
from dicface.cli.options import CLIPS
from dicface.cli.terminal import Line, in_options
from dicface.errors import UsageError
from dicface.images.clips import CodecName

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Mapping, Sequence

    from dicface.cli.piping import Pipes
    from dicface.images.inputs import Job
    from dicface.restoration.output import Output
    from dicface.restoration.restorer import Restorer
    from dicface.restoration.scale import Scale
    from dicface.restoration.video.clip import VideoResult

CodecOption = Annotated[
    CodecName | None,
    typer.Option(help="Codec of clips; if left out, vp9 for WebM, else h264.", rich_help_panel=CLIPS),
]
CrfOption = Annotated[
    float | None,
    typer.Option(
        help="Constant rate factor of the encoder: lower is better and larger. 18 for h264 if left out.",
        rich_help_panel=CLIPS,
    ),
]
StartOption = Annotated[
    float | None, typer.Option(metavar="S", help="Begin at this second of clips.", rich_help_panel=CLIPS)
]
EndOption = Annotated[
    float | None, typer.Option(metavar="S", help="End at this second of clips.", rich_help_panel=CLIPS)
]


class ClipSettings(NamedTuple):
    """Options of clips, as arguments of `Restorer.restore_video`."""

    codec: CodecName | None
    crf: float | None
    start_s: float | None
    end_s: float | None

    def checked(self, sources: "Sequence[Path]") -> "ClipSettings":
        """The same, checked before any work.

        Raises:
            UsageError: a clip without the extra that reads it, or a part that is none.
        """
        from dicface.images.clips import is_clip, lacks_video, need_video_extra

        if any(map(is_clip, sources)):
            need_video_extra()
        # A call without them does not load what reads clips, which takes a tenth of a second.
        if any(value is not None for value in self) and not lacks_video():
            from dicface.restoration.video.clip import checked_part
            from dicface.restoration.video.writing import encoding_for

            checked_part(self.start_s, self.end_s)
            if self.codec is not None or self.crf is not None:
                encoding_for(Path("a.mkv"), self.codec, self.crf)
        return self


class ClipJobs(NamedTuple):
    """The work on clips.

    Attributes:
        restorer: restores them.
        choice: of faces, with `boxes` and `only_boxes`, which clips do not have.
        scale: auto is 1.
        adaptive, output: see `Restorer.restore_video`.
        settings: the options of clips.
        stopping: set when clips are to be finished as they are.
        messages: shows the progress.
        pipes: names of files.
    """

    restorer: "Restorer"
    choice: "Mapping[str, Any]"
    scale: "Scale"
    adaptive: bool
    output: "Output"
    settings: ClipSettings
    stopping: "threading.Event"
    messages: Messages
    pipes: "Pipes"

    def __call__(self, job: "Job", report: "Callable[[Job, dict[str, Any]], None]") -> Line:
        """Restore a clip, report it, and say it.

        Args:
            job: the clip.
            report: takes its row.

        Raises:
            UsageError: options that clips do not have.
            DicfaceError: it cannot be done.
        """
        if self.choice["boxes"] or self.choice["only_boxes"]:
            raise UsageError("expected no --box for a clip: it would be that of one frame")
        if job.beside:
            raise UsageError("expected no --uncertainty for a clip")
        with self.messages.part(job.source.name) as progress:
            result = self.restorer.restore_video(
                job.source,
                job.target,
                **self._restoring(),
                **self.settings._asdict(),
                output=self.output,
                progress=progress,
                is_stopped=self.stopping.is_set,
            )
        report(job, self.pipes.row(result.report_row()))
        return self._line(result)

    def _line(self, result: "VideoResult") -> Line:
        """The line about a restored clip, as text and as fields of the log."""
        speed = f"{result.frames / max(result.elapsed_s, 1e-3):.1f} frames/s"
        said = f"{in_options(result.sentence)}, {result.elapsed_s:.1f} s ({speed})"
        text = f"{self.pipes.name(result.source)}: {said} -> {self.pipes.name(result.target)}"
        return Line(
            text,
            {
                "elapsed_s": round(result.elapsed_s, 3),
                "frames": result.frames,
                "faces": len(result.tracks),
                "stopped": result.stopped,
            },
        )

    @property
    def digest(self) -> str:
        """Digest of the settings, by which results that are there are recognised."""
        from dicface.restoration.settings import restore_digest, video_digest

        return video_digest(
            restore_digest(self.restorer, **self._restoring(), output=self.output),
            codec=self.settings.codec,
            crf=self.settings.crf,
            start_s=self.settings.start_s or 0.0,
            end_s=self.settings.end_s,
        )

    def _restoring(self) -> dict[str, Any]:
        choice = {name: value for name, value in self.choice.items() if name not in ("boxes", "only_boxes")}
        scale = 1.0 if isinstance(self.scale, str) else self.scale
        return {**choice, "scale": scale, "adaptive": self.adaptive}
