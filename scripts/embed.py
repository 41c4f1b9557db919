r"""Make a trained run one of the embedded models: weights, ONNX file and card.

    python scripts/embed.py NAME RUN --validation PACK --data PACK --data PACK --commit HASH --command "..." \
        --description "..." --samples N --hardware "..."

Everything in the card is either an argument or measured here: PSNR and SSIM of the ONNX file in ONNX Runtime on all
faces of the validation pack, nominal crop, under every protocol and at every size.
"""

import dataclasses
import hashlib
from pathlib import Path
from typing import Annotated, Any

import onnxruntime
import pyarrow.parquet as pq
import torch
import typer
from torch.utils.flop_counter import FlopCounterMode

from dicface.checkpoints import load_run, save_network
from dicface.data.packs import read_pack
from dicface.evaluation.measure import measure
from dicface.export import comparison_crops, export_checked
from dicface.networks.dic import DICNetwork
from dicface.pipeline.report import write_json
from dicface.runtime.models import FaceModel

MODELS = Path(__file__).parent.parent / "src" / "dicface" / "models"
SIZES = (8, 12, 16, 24, 32, 48, 64)
LICENCE = (
    "Weights trained on CelebA, Helen and AFW, whose terms allow non-commercial research only; the same holds for "
    "these weights. The code is Apache-2.0."
)
USE = (
    "For research and for looking at one's own photos. A restored face is an estimate from few pixels, never evidence "
    "of anyone's identity."
)


def file_digest(path: Path) -> str:
    """SHA-256 of a file, hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def cost(network: DICNetwork, side: int) -> tuple[int, float]:
    """Parameters, and GFLOP (2 x multiply-add) for one face."""
    with torch.inference_mode(), FlopCounterMode(display=False) as counter:
        network(torch.zeros(1, 3, side, side))
    return sum(parameter.numel() for parameter in network.parameters()), counter.get_total_flops() / 1e9


def numbers(model: FaceModel, validation: Path, sizes: tuple[int, ...]) -> list[dict[str, Any]]:
    """Results of every size, rounded for reading."""
    hr, _ = read_pack(validation).nominal()
    rounded: list[dict[str, Any]] = []
    for size in sizes:
        result = measure(model, hr, size, validation.name)
        row: dict[str, Any] = {"lr_size": size}
        for protocol, scores in result["protocols"].items():
            plain = result["bicubic"][protocol]
            row[protocol] = {
                "psnr": round(scores["psnr"]["mean"], 3),
                "ssim": round(scores["ssim"]["mean"], 4),
                "bicubic_psnr": round(plain["psnr"]["mean"], 3),
                "bicubic_ssim": round(plain["ssim"]["mean"], 4),
                "steps_psnr": [round(step["psnr"], 3) for step in result["steps"][protocol]],
            }
        rounded.append(row)
    return rounded


def main(
    name: str,
    run: Path,
    validation: Annotated[Path, typer.Option(help="Pack to measure on.")],
    data: Annotated[list[Path], typer.Option(help="Packs the run was trained on.")],
    commit: Annotated[str, typer.Option(help="Commit that the run was trained at.")],
    command: Annotated[list[str], typer.Option(help="Commands that trained it, in order.")],
    description: Annotated[str, typer.Option(help="One sentence.")],
    samples: Annotated[int, typer.Option(help="Faces seen in training.")],
    hardware: Annotated[str, typer.Option(help="What it was trained on, and how long.")],
) -> None:
    """Write NAME.safetensors, NAME.onnx and NAME.json into the package."""
    network = load_run(run)
    weights, graph = MODELS / f"{name}.safetensors", MODELS / f"{name}.onnx"
    difference = export_checked(network, graph, comparison_crops(network, validation))
    save_network(network, weights)
    model = FaceModel(str(graph), "onnxruntime")
    sizes = SIZES if network.config.stem == "any-size" else (16,)
    parameters, gflop = cost(network, 16)
    card = {
        "description": description,
        "parameters": parameters,
        "gflop_per_face": round(gflop, 2),
        "network": dataclasses.asdict(network.config),
        "data": [
            {"file": path.name, "faces": pq.read_metadata(path).num_rows, "sha256": file_digest(path)} for path in data
        ],
        "samples": samples,
        "hardware": hardware,
        "commit": commit,
        "command": command,
        "numbers": {
            "data": validation.name,
            "data_sha256": file_digest(validation),
            "faces": pq.read_metadata(validation).num_rows,
            "crop": "nominal; reduced with Pillow bicubic",
            "backend": f"onnxruntime {onnxruntime.__version__}, float32",
            "results": numbers(model, validation, sizes),
        },
        "onnx_against_torch": {
            "faces": difference.faces,
            "largest_difference": {"sr": difference.sr, "heatmaps": difference.heatmaps},
        },
        "sha256": {path.suffix: file_digest(path) for path in (weights, graph)},
        "licence": LICENCE,
        "use": USE,
    }
    write_json(MODELS / f"{name}.json", card)


if __name__ == "__main__":
    typer.run(main)
