"""What the command restore asks for, and the work on files of this machine."""

from typing import TYPE_CHECKING, NamedTuple

from dicface.cli.clips import ClipJobs
from dicface.cli.jobs import Batch
from dicface.cli.terminal import Line, ended_in_order, in_options, run

if TYPE_CHECKING:
    from dicface.batches.callables import RestoreBatch
    from dicface.batches.report import Report
    from dicface.images.inputs import Job
    from dicface.restoration.arguments import FaceArguments, RestorerArguments
    from dicface.restoration.output import Output
    from dicface.restoration.restorer import Restorer
    from dicface.restoration.scale import Scale


class Asked(NamedTuple):
    """What a call asks of restoring, wherever its photos are.

    Attributes:
        model: name or file of the model.
        networks: the other arguments of `Restorer`, without `threads` and `several`.
        choice: which faces, and how strongly.
        scale, adaptive, max_megapixels: see `restore_file`.
        output: what is written.
    """

    model: str
    networks: "RestorerArguments"
    choice: "FaceArguments"
    scale: "Scale"
    adaptive: bool
    max_megapixels: float
    output: "Output"

    def batch(self, *, threads: int | None, uncertainty: bool) -> "RestoreBatch":
        """The callable that does this in any process."""
        from dicface.batches.callables import RestoreBatch

        return RestoreBatch(
            self.model,
            **self.networks,
            threads=threads,
            scale=self.scale,
            **self.choice,
            adaptive=self.adaptive,
            max_megapixels=self.max_megapixels,
            mark=self.output.mark,
            metadata=self.output.metadata,
            gps=self.output.gps,
            landmarks=self.output.landmarks,
            uncertainty=uncertainty,
        )


def restore_files(asked: Asked, restorer: "Restorer", clips: ClipJobs, batch: Batch, written: "Report") -> int:
    """Restore photos and clips of this machine, report them, and say a line for each; returns how many failed."""
    from dicface.images.clips import is_clip
    from dicface.restoration.files import restore_file
    from dicface.restoration.memory import PhotoGate
    from dicface.restoration.settings import restore_digest

    gate, pipes = PhotoGate(), clips.pipes

    def work(job: "Job") -> Line:
        if is_clip(job.source):
            return clips(job, written.add)
        result = restore_file(
            job.source,
            job.target,
            restorer=restorer,
            scale=asked.scale,
            **asked.choice,
            adaptive=asked.adaptive,
            output=batch.output_of(job, asked.output),
            max_megapixels=asked.max_megapixels,
            gate=gate,
        )
        written.add(job, pipes.row(result.report_row()))
        said = f"{in_options(result.sentence)}, {result.elapsed_s:.1f} s"
        text = f"{pipes.name(job.source)}: {said} -> {pipes.name(job.target)}"
        return Line(text, {"elapsed_s": round(result.elapsed_s, 3), "faces": len(result.restoration.faces)})

    digest = restore_digest(restorer, scale=asked.scale, **asked.choice, adaptive=asked.adaptive, output=asked.output)
    with ended_in_order(clips.stopping.set), written, batch.claims() as claims:
        tally = run(
            written.in_order_of(batch.jobs()),
            work,
            messages=clips.messages,
            name=pipes.name,
            what="photos",
            failed=written.add_failure,
            skipped=written.add_skipped,
            **batch.running(digest, claims, clips.digest),
        )
    batch.say_left_out(clips.messages)
    pipes.deliver()
    return tally.failed
