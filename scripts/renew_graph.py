r"""Write the ONNX file of an embedded model again from its weights, after the exporter or the graph has changed.

    python scripts/renew_graph.py NAME --validation PACK

The file is compared with torch on the pack's faces and refused if it differs by 1e-3; the card's comparison and hash
are renewed. The other numbers of the card stay, since the function does.
"""

import json
from pathlib import Path
from typing import Annotated

import typer

from dicface.checkpoints.networks import load_run
from dicface.export.graphs import comparison_crops, comparison_faces, export_checked, export_locator_checked
from dicface.files import file_digest, write_json
from dicface.networks.dic import DICNetwork

MODELS = Path(__file__).parent.parent / "src" / "dicface" / "models"


def main(name: str, validation: Annotated[Path, typer.Option(help="Pack to compare on.")]) -> None:
    """Renew NAME.onnx and NAME.json inside the package."""
    network, graph, hr = load_run(MODELS / f"{name}.safetensors"), MODELS / f"{name}.onnx", comparison_faces(validation)
    if isinstance(network, DICNetwork):
        result = export_checked(network, graph, comparison_crops(network, hr))
        faces, difference = result.faces, {"sr": result.sr, "heatmaps": result.heatmaps}
    else:
        faces, difference = len(hr), export_locator_checked(network, graph, hr)
    card_path = MODELS / f"{name}.json"
    card = json.loads(card_path.read_text(encoding="utf-8"))
    card["onnx_against_torch"] = {"faces": faces, "largest_difference": difference}
    card["sha256"][".onnx"] = file_digest(graph)
    write_json(card_path, card)


if __name__ == "__main__":
    typer.run(main)
