r"""Make a trained run one of the embedded models: weights, ONNX file and card.

    python scripts/embed.py NAME RUN --validation PACK --data PACK --data PACK --commit HASH --command "..." \
        --description "..." --samples N --hardware "..."

Everything in the card is either an argument or measured here on all faces of the validation pack, nominal crop: with
the ONNX file in ONNX Runtime, PSNR and SSIM under every protocol and at every size of a network that restores faces,
normalised errors of one that finds landmarks, and average precision of one that finds faces in scenes put together from
the pack's; with torch, how well face features tell people apart. Features have no ONNX file, since nothing runs them
without torch; their weights are kept in float16, as they are measured.
"""

import dataclasses
import json
from pathlib import Path
from typing import Annotated, Any

import onnxruntime
import pyarrow.parquet as pq
import torch
import typer
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from dicface.checkpoints.networks import load_run, read_tensors, save_network, write_tensors
from dicface.data.packs import read_pack
from dicface.data.references import read_references
from dicface.data.scenes.sampler import SceneConfig, SceneSampler
from dicface.evaluation.detection import Found, match_faces
from dicface.evaluation.identity import Recogniser
from dicface.evaluation.measure import landmark_errors, measure
from dicface.evaluation.metrics import average_precision, verification_auc
from dicface.evaluation.summary import summary
from dicface.export.graphs import (
    compare_with_torch,
    comparison_crops,
    comparison_faces,
    export_checked,
    export_locator_checked,
)
from dicface.files import file_digest, write_json
from dicface.images.pixels import FACE_PX, LARGE_FACE_PX
from dicface.networks.dic import DICNetwork
from dicface.networks.face_finder import Finder, Peaks
from dicface.networks.lightcnn import FaceRecogniser
from dicface.networks.stacked_hourglass import StackedHourglass
from dicface.runtime.cards import parse_card
from dicface.runtime.face_model import FaceModel
from dicface.runtime.landmark_model import LandmarkModel
from dicface.runtime.sessions import open_session

MODELS = Path(__file__).parent.parent / "src" / "dicface" / "models"
ADDITIONAL_MODELS = Path(__file__).parent.parent / "packages" / "dicface-models" / "src" / "dicface_models"
SIZES = {FACE_PX: (8, 12, 16, 24, 32, 48, 64), LARGE_FACE_PX: (32, 48, 64, 96, 128, 192)}
"""Sides of the crops that an any-size network is measured on, by the side of its results."""
MEASURED_SCENES = 20, 20
"""Batches of scenes that a finder is measured on, and scenes in each."""
LICENCE = (
    "Weights trained on CelebA, Helen and AFW, whose terms allow non-commercial research only; the same holds for "
    "these weights. The code is Apache-2.0."
)
LARGE_LICENCE = (
    "Weights trained on CelebA, Helen, AFW and MEBeauty, whose terms allow non-commercial research only, and on face "
    "sets under CC BY; the same holds for these weights. The code is Apache-2.0."
)
FINDER_LICENCE = (
    "Weights trained on CelebA, Helen, AFW, MEBeauty and BSDS500, whose terms allow non-commercial research only, and "
    "on face sets under CC BY; the same holds for these weights. The code is Apache-2.0."
)
USE = {
    "restoration": "For research and for looking at one's own photos. A restored face is an estimate from few pixels, "
    "never evidence of anyone's identity.",
    "landmarks": "For research: preparing and measuring pictures of faces. Not for telling who or how somebody is.",
    "finder": "For research and for looking at one's own photos: where faces are. Not for watching people.",
    "features": "For research: the identity similarity of restored faces. Far too weak, and not meant, for "
    "telling who somebody is.",
}


def cost(network: nn.Module, example: torch.Tensor) -> dict[str, Any]:
    """Parameters, and GFLOP (2 x multiply-add) for one face."""
    with torch.inference_mode(), FlopCounterMode(display=False) as counter:
        network(example)
    parameters = sum(parameter.numel() for parameter in network.parameters())
    return {"parameters": parameters, "gflop_per_face": round(counter.get_total_flops() / 1e9, 2)}


def pack_facts(path: Path) -> dict[str, Any]:
    """Name, size and hash of a pack."""
    return {"file": path.name, "faces": pq.read_metadata(path).num_rows, "sha256": file_digest(path)}


def restoration_results(model: FaceModel, validation: Path, sizes: tuple[int, ...]) -> list[dict[str, Any]]:
    """Results of every size, rounded for reading."""
    references, _ = read_references(validation, face_px=model.face_px)
    rounded: list[dict[str, Any]] = []
    for size in sizes:
        result = summary(measure(model, references, size))
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


def embed_restoration(network: DICNetwork, graph: Path, validation: Path, *, eight_bits: bool) -> dict[str, Any]:
    """Write the ONNX file of a network that restores faces; what its card says of it."""
    hr = comparison_faces(validation)
    crops = comparison_crops(network, hr)
    difference = export_checked(network, graph, crops, eight_bits=eight_bits)
    rounded = compare_with_torch(network, graph, crops) if eight_bits else None
    sizes = (16,) if network.config.stem == "paper" else SIZES[network.config.output_px]
    side = max(16, network.config.lr_px[0])
    facts = pack_facts(validation)
    return {
        "kind": "restoration",
        **cost(network, torch.zeros(1, 3, side, side)),
        "numbers": {
            "data": facts["file"],
            "data_sha256": facts["sha256"],
            "faces": facts["faces"],
            "crop": "nominal; reduced with Pillow bicubic",
            "results": restoration_results(FaceModel(str(graph), backend="onnxruntime"), validation, sizes),
        },
        "onnx_against_torch": {
            "faces": difference.faces,
            "largest_difference": {"sr": difference.sr, "heatmaps": difference.heatmaps},
            **({"by_rounding_to_8_bits": {"sr": rounded.sr, "heatmaps": rounded.heatmaps}} if rounded else {}),
        },
    }


def embed_landmarks(network: StackedHourglass, graph: Path, validation: Path) -> dict[str, Any]:
    """Write the ONNX file of a network that finds landmarks; what its card says of it."""
    compared = comparison_faces(validation)
    difference = export_locator_checked(network, graph, compared)
    hr, landmarks = read_pack(validation).nominal()
    errors = landmark_errors(LandmarkModel(str(graph))(hr).points, landmarks)
    facts = pack_facts(validation)
    result = {"data": facts["file"], "n": facts["faces"], "nrmse": {by: round(e, 5) for by, e in errors.items()}}
    return {
        "kind": "landmarks",
        **cost(network, torch.zeros(1, 3, FACE_PX, FACE_PX)),
        "numbers": {"crop": "nominal", "data_sha256": facts["sha256"], "results": [result]},
        "onnx_against_torch": {"faces": len(compared), "largest_difference": difference},
    }


def embed_finder(network: Finder, graph: Path, validation: Path) -> dict[str, Any]:
    """Write the ONNX file of the face finder; what its card says of it."""
    compared = comparison_faces(validation)
    difference = export_locator_checked(network, graph, compared)
    sampler = SceneSampler(read_pack(validation), [], SceneConfig(), 0, MEASURED_SCENES[1])
    scenes = [sampler.validation(number) for number in range(MEASURED_SCENES[0])]
    session = open_session(graph)
    found: list[Found] = []
    for part in scenes:
        outputs = session.run(["score", "box", "points"], {"image": part.images.numpy()})
        found.append(match_faces(Peaks(*(torch.as_tensor(output) for output in outputs)), part))
    with torch.inference_mode(), FlopCounterMode(display=False) as counter:
        network(torch.zeros(1, 3, 992, 1024))
    joined = Found.joined(found)
    facts = pack_facts(validation)
    result = {
        "data": facts["file"],
        "scenes": sum(len(part.images) for part in scenes),
        "n": joined.faces,
        "average_precision": round(average_precision(joined.scores, joined.hits, joined.faces), 4),
    }
    return {
        "kind": "finder",
        "parameters": sum(parameter.numel() for parameter in network.parameters()),
        "gflop_per_megapixel": round(counter.get_total_flops() / 1e9 / (992 * 1024 / 1e6), 2),
        "numbers": {
            "crop": "scenes on procedural backgrounds, see data/scenes",
            "data_sha256": facts["sha256"],
            "results": [result],
        },
        "onnx_against_torch": {"faces": len(compared), "largest_difference": difference},
        # Until experiments/verification.py has fitted it, the score is the probability.
        "verification": {"threshold": 0.5, "coefficients": {"score alone": {"bias": 0.0, "score": 1.0}}},
    }


def embed_features(run: Path, weights: Path, validation: Path) -> dict[str, Any]:
    """Write the weights of face features, by halves; what their card says of them."""
    state, notes = read_tensors(run / "weights.safetensors")
    write_tensors({name: value.half() for name, value in state.items()}, weights, notes)
    recogniser = Recogniser(str(weights))
    known = read_pack(validation).identified()
    auc = verification_auc(recogniser(known.nominal()[0]), known.identities)
    facts = pack_facts(validation)
    result = {
        "data": facts["file"],
        "n": len(known),
        "identities": int(known.identities.max()) + 1,
        "auc": round(auc, 4),
    }
    settings = json.loads((run / "config.json").read_text())
    network = FaceRecogniser(settings["features"]["embedding"])
    return {
        "kind": "features",
        **cost(network, torch.zeros(1, 3, FACE_PX, FACE_PX)),
        "numbers": {"crop": "nominal", "data_sha256": facts["sha256"], "results": [result]},
        "network": settings["features"],
    }


def embed_network(run: Path, weights: Path | None, graph: Path, validation: Path) -> dict[str, Any]:
    """Write the weights and the ONNX file of a network, without `weights` that alone in 8 bits; what its card says."""
    network = load_run(run)
    if isinstance(network, DICNetwork):
        measured = embed_restoration(network, graph, validation, eight_bits=weights is None)
    elif isinstance(network, Finder):
        measured = embed_finder(network, graph, validation)
    else:
        measured = embed_landmarks(network, graph, validation)
    measured["numbers"]["backend"] = f"onnxruntime {onnxruntime.__version__}, float32"
    if weights is not None:
        save_network(network, weights)
    return measured | {"network": dataclasses.asdict(network.config)}


def licence(measured: dict[str, Any]) -> str:
    """The licence of weights, by the data that networks of their kind are trained on."""
    if measured["kind"] == "finder":
        return FINDER_LICENCE
    return LARGE_LICENCE if measured["network"].get("output_px") == LARGE_FACE_PX else LICENCE


def is_features(run: Path) -> bool:
    """Whether a run's folder says that it learnt face features."""
    config = run / "config.json"
    return config.is_file() and json.loads(config.read_text())["run"]["task"] == "features"


def main(
    name: str,
    run: Path,
    validation: Annotated[Path, typer.Option(help="Pack to measure on.")],
    data: Annotated[list[Path], typer.Option(help="Packs the run was trained on.")],
    commit: Annotated[str, typer.Option(help="Commit that the run was trained at.")],
    command: Annotated[list[str], typer.Option(help="Commands that trained it, in order.")],
    description: Annotated[str, typer.Option(help="One sentence.")],
    samples: Annotated[int, typer.Option(help="Faces seen in training; of a finder, scenes.")],
    hardware: Annotated[str, typer.Option(help="What it was trained on, and how long.")],
    *,
    large: Annotated[bool, typer.Option("--large", help="Write into dicface-models, in 8 bits.")] = False,
) -> None:
    """Write NAME.safetensors, NAME.onnx (but for features) and NAME.json into the package.

    Of a large model only the ONNX file is written, whose weights are kept in 8 bits: 50 MB hold no more (ADR 49).
    """
    folder = ADDITIONAL_MODELS if large else MODELS
    weights, graph = folder / f"{name}.safetensors", folder / f"{name}.onnx"
    if is_features(run):
        measured, files = embed_features(run, weights, validation), [weights]
    else:
        measured = embed_network(run, None if large else weights, graph, validation)
        files = [graph] if large else [weights, graph]
    card = {
        "description": description,
        **measured,
        "data": [pack_facts(path) for path in data],
        "samples": samples,
        "hardware": hardware,
        "commit": commit,
        "command": command,
        "sha256": {path.suffix: file_digest(path) for path in files},
        "licence": licence(measured),
        "use": USE[measured["kind"]],
    }
    parse_card(name, json.dumps(card))  # refuses a card that lacks something
    write_json(folder / f"{name}.json", card)


if __name__ == "__main__":
    typer.run(main)
