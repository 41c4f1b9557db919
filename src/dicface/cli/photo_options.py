"""Options of the command restore alone."""

from pathlib import Path
from typing import Annotated

import typer

from dicface.cli.options import BATCH, FACES, MODEL, OUTPUT

# `readable=False`, here and in the other options: what reads or writes a path says what is wrong with it.
Photos = Annotated[
    list[Path] | None, typer.Argument(readable=False, help="Photos, clips, or folders of them; - is stdin.")
]
ScaleOption = Annotated[
    str,
    typer.Option(
        metavar="1..8|auto",
        help="Enlargement of the photo; auto is the largest of 4, 2, 1 whose result has at most 24 megapixels, and "
        "1 for clips.",
        rich_help_panel=OUTPUT,
    ),
]
StrengthOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar="S|N=S",
        help="0 leaves the plain enlargement, 1 takes the model's face; 0.7 for all faces, 3=0.4 for face 3.",
        rich_help_panel=FACES,
    ),
]
FullStrength = Annotated[
    bool,
    typer.Option(
        "--full-strength",
        help="Do not lower the strength of faces where the model is not sure.",
        rich_help_panel=FACES,
    ),
]
FacesOption = Annotated[
    str | None,
    typer.Option(metavar="1,3", help="Restore these, by the numbers of --preview.", rich_help_panel=FACES),
]
MinFace = Annotated[
    float | None, typer.Option(help="Leave found faces below this many px alone.", rich_help_panel=FACES)
]
MaxFace = Annotated[
    float | None, typer.Option(help="Leave found faces above this many px alone.", rich_help_panel=FACES)
]
PreviewOption = Annotated[
    Path | None,
    typer.Option(
        readable=False,
        help="Restore nothing: write the photo with numbered faces in the colour of what would happen. A folder "
        "for several photos.",
        rich_help_panel=OUTPUT,
    ),
]
Boxes = Annotated[
    list[str] | None,
    typer.Option(help="A face X0,Y0,X1,Y1 in pixels, besides those that are found.", rich_help_panel=FACES),
]
OnlyBoxes = Annotated[
    bool, typer.Option("--only-boxes", help="Look for no faces besides those of --box.", rich_help_panel=FACES)
]
DetectorThreshold = Annotated[
    float | None,
    typer.Option(
        min=0,
        max=1,
        help="Least probability of a face; detections below it are left alone.",
        rich_help_panel=FACES,
    ),
]
LargeFacesOption = Annotated[
    Path | None,
    typer.Option(
        readable=False,
        help="ONNX file of a 512 px face restorer (GFPGAN, CodeFormer, RestoreFormer++, GPEN) for faces that are "
        "too large for the model.",
        rich_help_panel=MODEL,
    ),
]
Background = Annotated[
    Path | None,
    typer.Option(
        readable=False,
        help="Any x2 or x4 network for the rest of the photo: ONNX with an image in and an image out, or weights "
        "that spandrel knows.",
        rich_help_panel=MODEL,
    ),
]
Fidelity = Annotated[
    float,
    typer.Option(
        min=0,
        max=1,
        help="Of --large-faces networks with such an input: a larger value stays nearer to the photo.",
        rich_help_panel=MODEL,
    ),
]
ShowLandmarks = Annotated[
    bool, typer.Option("--show-landmarks", help="Draw the landmarks found.", rich_help_panel=OUTPUT)
]
ReportOption = Annotated[
    Path | None,
    typer.Option(
        readable=False,
        help="Write a report of all faces to this JSON file; to one ending in .jsonl, a line is appended for each "
        "photo.",
        rich_help_panel=OUTPUT,
    ),
]
NoReportLandmarks = Annotated[
    bool,
    typer.Option("--no-report-landmarks", help="Leave the landmarks out of the report.", rich_help_panel=OUTPUT),
]
MaxMegapixels = Annotated[float, typer.Option(min=0, max=178, help="Refuse larger photos.", rich_help_panel=BATCH)]
Force = Annotated[
    bool, typer.Option("--force", help="Also restore faces too large or too small to gain.", rich_help_panel=FACES)
]
