"""The command restore with --preview."""

from typing import TYPE_CHECKING

import typer

from dicface.cli.jobs import Batch
from dicface.cli.messages import Messages
from dicface.cli.piping import Pipes
from dicface.cli.terminal import SOME_FAILED, Line, run

if TYPE_CHECKING:
    from dicface.images.inputs import Job
    from dicface.restoration.arguments import FaceArguments
    from dicface.restoration.restorer import Restorer


def write_previews(
    batch: Batch,
    restorer: "Restorer",
    choice: "FaceArguments",
    pipes: Pipes,
    messages: Messages,
    *,
    max_megapixels: float,
) -> None:
    """Write previews, and say a line for each face."""
    from dicface.restoration.preview import faces_lines, preview_file

    def work(job: "Job") -> Line:
        result = preview_file(
            job.source,
            job.target,
            restorer=restorer,
            **choice,
            overwrite=batch.overwrite,
            max_megapixels=max_megapixels,
        )
        text = f"{pipes.name(job.source)}: {result.sentence}, nothing restored -> {pipes.name(job.target)}"
        return Line(text, {"faces": len(result.found.faces)}, faces_lines(result.found))

    with batch.claims() as claims:
        tally = run(batch.jobs(), work, messages=messages, name=pipes.name, what="photos", **batch.running("", claims))
    batch.say_left_out(messages)
    pipes.deliver()
    if tally.failed:
        raise typer.Exit(SOME_FAILED)
