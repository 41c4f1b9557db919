"""Check the models of `dicface-models` as dicface will, hashes included, and print their names, one a line."""

from pathlib import Path
from typing import Annotated

import typer

from dicface.runtime.additional_models import check_hash, check_models
from dicface.runtime.models import embedded_models

FOLDER = Path(__file__).parent.parent / "packages" / "dicface-models" / "src" / "dicface_models"


def main(folder: Annotated[Path, typer.Argument(help="Folder of weights and cards.")] = FOLDER) -> None:
    """Print the models of a folder, or end with an error if something is wrong with one."""
    for card in check_models(folder, embedded_models()):
        for suffix in card.sha256:
            check_hash(card, folder / f"{card.name}{suffix}")
        typer.echo(card.name)


if __name__ == "__main__":
    typer.run(main)
