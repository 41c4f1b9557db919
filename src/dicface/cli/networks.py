"""Commands about networks and their files: models, train, export, convert."""

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from dicface.cli.messages import say, tell
from dicface.cli.options import Overwrite, complete_any_model
from dicface.cli.terminal import check_free, need_train_extra
from dicface.errors import UsageError

if TYPE_CHECKING:
    from dicface.training.config import TrainConfig


def models(
    name: Annotated[
        str | None, typer.Argument(help="One model; all if left out.", autocompletion=complete_any_model)
    ] = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print the cards as JSON.")] = False,
    hub: Annotated[
        Path | None,
        typer.Option(
            readable=False,
            help="Write a folder for the Hugging Face hub: the model's files and README.md with its card. Nothing is "
            "uploaded.",
        ),
    ] = None,
) -> None:
    """List the embedded models with their cards."""
    from dicface.cli.cards import facts_table, results_table
    from dicface.runtime.hub_cards import write_hub_folder
    from dicface.runtime.models import DEFAULT_MODEL, embedded_models, find_card

    cards = embedded_models() if name is None else {name: find_card(name)}
    if hub is not None:
        if name is None:
            raise UsageError("expected the name of one model beside --hub")
        written = write_hub_folder(cards[name], hub)
        tell(f"wrote {hub}: {', '.join(sorted(path.name for path in written))}")
        return
    if as_json:
        typer.echo(json.dumps({name: card.as_json() for name, card in cards.items()}, indent=2))
        return
    console = Console(highlight=False)
    for each, card in cards.items():
        default = " (default)" if each == DEFAULT_MODEL else ""
        console.print(f"[bold]{each}[/bold]{default}: {card.description}")
        console.print(facts_table(card))
        console.print(results_table(card))


def _chosen_config(config: str | None, settings: list[str], earlier: Path) -> "TrainConfig":
    """The config to continue a run in a folder with; prints changed settings."""
    from dicface.training.config_files import read_config, with_overrides
    from dicface.training.resuming import changed_settings, read_saved_config

    if config and not (earlier / "config.json").exists():
        return read_config(config, settings)
    saved = read_saved_config(earlier)
    chosen = read_config(config, settings) if config else with_overrides(saved, settings)
    # Further processes on this machine are copies of the first one.
    for line in changed_settings(saved, chosen) if os.environ.get("LOCAL_RANK", "0") == "0" else []:
        say(line)
    return chosen


def _check_run(config: str | None, data: list[Path], validation: Path | None, settings: list[str]) -> None:
    """Check names and forms of a run's arguments. Nothing here imports torch.

    Raises:
        ConfigError: no such config, or an override that is not `table.key=value`.
        PackError: no such pack.
    """
    from dicface.data.packs import pack_files
    from dicface.training.config_names import find_config
    from dicface.training.parsing import override

    if config is not None:
        find_config(config)
    override({}, settings)
    pack_files(data)
    if validation is not None:
        pack_files([validation])


def train(
    data: Annotated[
        list[Path], typer.Option(readable=False, help="Face pack or folder of packs to learn from; repeatable.")
    ],
    config: Annotated[
        str | None,
        typer.Argument(
            help="Name of a config that comes with dicface (lite, paper/dic-celeba) or a TOML file. --resume and "
            "--decay-from take the run's own."
        ),
    ] = None,
    *,
    validation: Annotated[Path | None, typer.Option(readable=False, help="Face pack for validation.")] = None,
    out: Annotated[
        Path | None, typer.Option(readable=False, help="Folder for the results; runs/NAME if left out.")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Continue from the last checkpoint in --out.")] = False,
    decay_from: Annotated[
        Path | None,
        typer.Option(
            readable=False,
            help="Checkpoint of another run's constant part: a new run decays its rate to zero over "
            "optimiser.decay_steps steps.",
        ),
    ] = None,
    settings: Annotated[list[str] | None, typer.Option("--set", help="Override a setting: table.key=value.")] = None,
    devices: Annotated[int, typer.Option(min=1, help="Processes on each machine, which share each batch.")] = 1,
    nodes: Annotated[int, typer.Option(min=1, help="Number of machines; see docs/training.md.")] = 1,
) -> None:
    """Train a network by a config (needs the train extra)."""
    need_train_extra()
    if resume and decay_from:
        raise UsageError("expected one of --resume and --decay-from; a stopped decay continues with --resume alone")
    if config is None and (out is None or not (resume or decay_from)):
        raise UsageError(
            "expected CONFIG, the TOML file of the run; only with --out and --resume or --decay-from may it be left out"
        )
    settings = settings or []
    out = out or Path("runs") / Path(config or "").stem
    earlier = decay_from.parent if decay_from else out if resume else None
    _check_run(config, data, validation, settings)
    from dicface.training.config_files import read_config

    if earlier is not None:
        chosen = _chosen_config(config, settings, earlier)
    else:
        assert config is not None
        chosen = read_config(config, settings)
    # Imported last: Lightning takes seconds.
    from dicface.training.fit import Machines, fit

    machines = Machines(devices, nodes)
    weights = fit(chosen, data, validation, out, resume=resume, decay_from=decay_from, machines=machines)
    tell(f"wrote {weights}")


def export(
    weights: Annotated[
        Path, typer.Argument(readable=False, help="Weights (.safetensors), a run's folder or its checkpoint.")
    ],
    *,
    out: Annotated[Path, typer.Option("--out", "-o", readable=False, help="The ONNX file.")],
    data: Annotated[
        Path | None, typer.Option(readable=False, help="Face pack to compare on; generated pictures if left out.")
    ] = None,
    overwrite: Overwrite = False,
) -> None:
    """Write a network as ONNX and compare it with torch (needs the train extra)."""
    need_train_extra()
    if out.suffix != ".onnx":
        raise UsageError(f"expected an output ending in .onnx, got {out.name!r}")
    check_free(out, overwrite=overwrite)
    from dicface.checkpoints.networks import load_run
    from dicface.export.graphs import comparison_crops, comparison_faces, export_checked, export_locator_checked
    from dicface.networks.dic import DICNetwork

    network, faces = load_run(weights), comparison_faces(data)
    if isinstance(network, DICNetwork):
        result = export_checked(network, out, comparison_crops(network, faces))
        differs = f"on {result.faces} faces", f"{result.sr:.1e} (images) and {result.heatmaps:.1e} (heatmaps)"
    else:
        by_output = export_locator_checked(network, out, faces)
        differs = f"on {len(faces)} faces", " and ".join(f"{most:.1e} ({name})" for name, most in by_output.items())
    tell(f"wrote {out}; {differs[0]} it differs from torch by at most {differs[1]}")


def convert(
    checkpoint: Annotated[Path, typer.Argument(readable=False, help="A .pth file of the DIC authors or of mmagic.")],
    *,
    out: Annotated[Path, typer.Option("--out", "-o", readable=False, help="The .safetensors file.")],
    steps: Annotated[int, typer.Option(min=1, help="Steps T of a DIC network, which its weights do not show.")] = 4,
    overwrite: Overwrite = False,
) -> None:
    """Convert checkpoints of the authors or of mmagic to .safetensors (needs the train extra)."""
    need_train_extra()
    if out.suffix != ".safetensors":
        raise UsageError(f"expected an output ending in .safetensors, got {out.name!r}")
    check_free(out, overwrite=overwrite)
    from dicface.checkpoints.convert import convert as convert_checkpoint

    tell(f"wrote {out}: {convert_checkpoint(checkpoint, out, steps)}")
