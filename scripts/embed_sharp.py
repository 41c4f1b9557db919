r"""Make a run of the task `sharp` the sharp twin of an embedded model: differences of weights, and card.

    python -m scripts.embed_sharp lite RUN --validation PACK --data PACK --commit HASH --command "..." --samples N \
        --hardware "..."

Everything in the card is either an argument or measured here on all faces of the validation pack, nominal crop, with
the mixed ONNX file in ONNX Runtime: for each sharpness, PSNR, detail, stitch, identity similarity and landmark error.
"""

import dataclasses
import json
import tempfile
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import onnxruntime
import torch
import typer

from dicface.checkpoints.networks import load_network
from dicface.data.references import read_references
from dicface.evaluation.identity import Recogniser
from dicface.evaluation.measure import measure
from dicface.evaluation.scores import Judges
from dicface.evaluation.summary import summary
from dicface.export.graphs import comparison_crops, comparison_faces, export_checked
from dicface.export.twins import twin_of
from dicface.files import file_digest, write_json
from dicface.images.pixels import FACE_PX
from dicface.networks.dic import DICNetwork
from dicface.runtime.cards import parse_card
from dicface.runtime.face_model import FaceModel
from dicface.runtime.landmark_model import LandmarkModel
from dicface.runtime.models import find_model
from dicface.runtime.sharp_twins import TWIN_SUFFIX, mixed_graph, read_twin, write_twin
from scripts.embed import LARGE_LICENCE, LICENCE, MODELS, cost, pack_facts

SHARPNESSES = 0.0, 0.25, 0.5, 0.75, 1.0
SIZES = {128: (16, 24, 32, 64), 256: (32, 64, 128)}
"""Sides of the crops that are measured, by the side of the results."""
USE = (
    "For looking at one's own photos, where a sharper look is worth more than what is certain. Much of the detail is "
    "invented. Never evidence of anyone's identity."
)


def write_differences(network: DICNetwork, faithful: Path, validation: Path, target: Path, share: float) -> None:
    """Export a sharp network and write what leads from a faithful one's ONNX file to it, or a share of the way."""
    with tempfile.TemporaryDirectory() as folder:
        graph = Path(folder) / "sharp.onnx"
        export_checked(network, graph, comparison_crops(network, comparison_faces(validation)))
        twin = twin_of(faithful, graph)
        differences = (twin.differences.astype(np.float32) * share).astype(np.float16)
        write_twin(target, twin._replace(differences=differences))


def results(faithful: Path, twin: Path, validation: Path, face_px: int) -> list[dict[str, Any]]:
    """What is measured at each sharpness and size, rounded for reading."""
    references, _ = read_references(validation, face_px=face_px)
    judges, content = Judges(references, LandmarkModel(), Recogniser()), faithful.read_bytes()
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as folder:
        for sharpness in SHARPNESSES:
            graph = Path(folder) / f"{sharpness:g}.onnx"
            graph.write_bytes(mixed_graph(content, read_twin(twin), sharpness))
            model = FaceModel(graph, backend="onnxruntime")
            for size in SIZES[face_px]:
                result = summary(measure(model, references, size, judges))
                detail = result["detail"][model.name]
                rows.append(
                    {
                        "lr_size": size,
                        "sharpness": sharpness,
                        "psnr": round(result["protocols"]["y-crop8" if face_px == FACE_PX else "y"]["psnr"]["mean"], 3),
                        "detail": round(detail["share"], 3),
                        "correlation": round(detail["correlation"], 3),
                        "stitch": round(detail["stitch"], 3),
                        "identity": round(result["identity"]["own"][model.name]["mean"], 4),
                        "nrmse": round(result["nrmse"]["outer_eye"], 5),
                    }
                )
    return rows


def main(
    faithful: Annotated[str, typer.Argument(help="Embedded model whose twin it is.")],
    run: Path,
    validation: Annotated[Path, typer.Option(help="Pack to measure on.")],
    data: Annotated[list[Path], typer.Option(help="Packs the run was trained on.")],
    commit: Annotated[str, typer.Option(help="Commit that the run was trained at.")],
    command: Annotated[list[str], typer.Option(help="Commands that trained it, in order.")],
    samples: Annotated[int, typer.Option(help="Faces seen in training.")],
    hardware: Annotated[str, typer.Option(help="What it was trained on, and how long.")],
    share: Annotated[float, typer.Option(min=0, max=1, help="Share of the run's differences at sharpness 1.")] = 1.0,
) -> None:
    """Write FAITHFUL-sharp.npz and its card into the package."""
    name, graph = f"{faithful}-sharp", find_model(faithful)
    twin, network = MODELS / f"{name}{TWIN_SUFFIX}", load_network(run / "weights.safetensors")
    write_differences(network, graph, validation, twin, share)
    facts, side = pack_facts(validation), max(16, network.config.lr_px[0])
    card = {
        "description": f"Differences of weights from {faithful} to its sharp twin: more detail, and more of it "
        "invented.",
        "kind": "sharp",
        **cost(network, torch.zeros(1, 3, side, side)),
        "numbers": {
            "data": facts["file"],
            "data_sha256": facts["sha256"],
            "faces": facts["faces"],
            "crop": "nominal; reduced with Pillow bicubic",
            "backend": f"onnxruntime {onnxruntime.__version__}, float32",
            "results": results(graph, twin, validation, network.config.output_px),
        },
        "network": dataclasses.asdict(network.config),
        "faithful": {"name": faithful, "sha256": file_digest(graph)},
        "data": [pack_facts(path) for path in data],
        "samples": samples,
        "hardware": hardware,
        "commit": commit,
        "command": command if share == 1 else [*command, f"scripts.embed_sharp with --share {share:g}"],
        "sha256": {TWIN_SUFFIX: file_digest(twin)},
        "licence": LICENCE if network.config.output_px == FACE_PX else LARGE_LICENCE,
        "use": USE,
    }
    parse_card(name, json.dumps(card))  # refuses a card that lacks something
    write_json(MODELS / f"{name}.json", card)


if __name__ == "__main__":
    typer.run(main)
