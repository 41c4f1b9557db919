"""Pairs of a faithful and a sharp face in an order that is hidden, to be judged by looking.

    python -m experiments.blind_pairs PHOTOS pairs/ --sharpness 1
    python -m experiments.blind_pairs PHOTOS pairs/ --sharpness 1 --judged "1=A 2=B 3=- ..."

PHOTOS is a folder of photos with a `.pts` file each. Each is shrunk until its face's crop has a side between 16 and 100
px, by turns, and the face is restored as it is and at the sharpness, by the model that `restore` takes for its size.
The first call writes sheets of five pairs: the crop, A, B; which of them is the sharp one is drawn by the seed and
written nowhere. The second call says it: how often the sharp face was chosen, how often the faithful one, and how often
neither (-).
"""

from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from PIL import Image, ImageDraw

from dicface.faces.geometry import cut, square_of_landmarks
from dicface.images.pixels import resize
from dicface.restoration.sized_models import SizedModels
from dicface.runtime.face_model import FaceModel
from dicface.runtime.models import DEFAULT_MODEL
from experiments.photos import shrunk_photos

SIDES_PX = (16, 20, 24, 28, 32, 48, 64, 100)
PAIRS_A_SHEET = 5
SHOWN_PX, GAP, MARGIN = 256, 6, 36


def crops(photos: Path) -> list[np.ndarray]:
    """The crop of each photo's face, (S, S, 3) uint8; S goes through `SIDES_PX`."""
    found: list[np.ndarray] = []
    for number, whole in enumerate(shrunk_photos(photos, float("inf"))):
        wanted = SIDES_PX[number % len(SIDES_PX)]
        square = square_of_landmarks(whole.landmarks)
        height, width = whole.pixels.shape[:2]
        scale = wanted / square.side
        size = max(1, round(width * scale)), max(1, round(height * scale))
        ratio = np.array([size[0] / width, size[1] / height])
        landmarks = (whole.landmarks + 0.5) * ratio - 0.5
        found.append(cut(resize(whole.pixels, size), square_of_landmarks(landmarks)))
    return found


def sharp_is_first(pairs: int, seed: int) -> list[bool]:
    """Whether A is the sharp face, for each pair."""
    return (np.random.default_rng(seed).random(pairs) < 0.5).tolist()


def main(
    photos: Annotated[Path, typer.Argument(help="Folder of photos with .pts files.")],
    out: Annotated[Path, typer.Argument(help="Folder for the sheets.")],
    *,
    model: Annotated[str, typer.Option(help="Embedded model with a sharp twin.")] = DEFAULT_MODEL,
    sharpness: Annotated[float, typer.Option(min=0, max=1, help="Of the sharp face.")] = 1.0,
    seed: Annotated[int, typer.Option(help="Of the order.")] = 0,
    judged: Annotated[str | None, typer.Option(help='Choices, such as "1=A 2=B 3=-".')] = None,
) -> None:
    """Write the sheets, or count the choices."""
    faces = crops(photos)
    first = sharp_is_first(len(faces), seed)
    if judged is not None:
        choices = {int(number): choice for number, choice in (each.split("=") for each in judged.split())}
        sharp = sum(choice in "AB" and (choice == "A") == first[number - 1] for number, choice in choices.items())
        neither = sum(choice == "-" for choice in choices.values())
        print(f"{len(choices)} pairs: {sharp} sharp, {len(choices) - sharp - neither} faithful, {neither} neither")
        return
    out.mkdir(parents=True, exist_ok=True)
    network = FaceModel(model, backend="onnxruntime")
    pair = [SizedModels(network, backend="onnxruntime", sharpness=each) for each in (sharpness, 0.0)]
    for start in range(0, len(faces), PAIRS_A_SHEET):
        rows = faces[start : start + PAIRS_A_SHEET]
        sheet = Image.new("RGB", (MARGIN + 3 * (SHOWN_PX + GAP), len(rows) * (SHOWN_PX + GAP)), "white")
        draw = ImageDraw.Draw(sheet)
        for row, crop in enumerate(rows):
            results = [models.for_side(crop.shape[0])([crop])[0].sr[-1] for models in pair]
            shown = [crop, *(results if first[start + row] else results[::-1])]
            draw.text((4, row * (SHOWN_PX + GAP) + SHOWN_PX // 2), str(start + row + 1), "black")
            for column, pixels in enumerate(shown):
                picture = Image.fromarray(pixels).resize((SHOWN_PX, SHOWN_PX), Image.Resampling.BICUBIC)
                sheet.paste(picture, (MARGIN + column * (SHOWN_PX + GAP), row * (SHOWN_PX + GAP)))
        sheet.save(out / f"pairs-{start // PAIRS_A_SHEET + 1}.png")
    print(f"wrote {len(faces)} pairs into {out}: the crop, A, B")


if __name__ == "__main__":
    typer.run(main)
