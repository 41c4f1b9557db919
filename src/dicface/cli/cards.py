"""Model cards for the screen."""

from typing import Any

from rich.table import Table


def facts_table(name: str, card: dict[str, Any]) -> Table:
    """Table of a model's size, data, licence and use.

    Args:
        name: name of the model.
        card: its card, as `scripts/embed.py` writes it.
    """
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    packs = ", ".join(f"{pack['file']} ({pack['faces']} faces)" for pack in card["data"])
    work = (
        f"{card['gflop_per_megapixel']:g} GFLOP a megapixel"
        if card["kind"] == "finder"
        else f"{card['gflop_per_face']:g} GFLOP a face"
    )
    table.add_row("size", f"{card['parameters'] / 1e6:.2f} M parameters, {work}")
    table.add_row("trained on", f"{packs}; {card['samples']} faces seen")
    table.add_row("", f"{card['hardware']}; at commit {card['commit']}")
    table.add_row("licence", card["licence"])
    table.add_row("use", card["use"])
    for suffix, digest in card["sha256"].items():
        table.add_row("sha256", f"{digest}  {name}{suffix}")
    return table


def results_table(name: str, card: dict[str, Any]) -> Table:
    """Table of a model's results: PSNR and SSIM by crop size beside bicubic, or the measures of its kind.

    Args:
        name, card: see `facts_table`.
    """
    numbers = card["numbers"]
    if card["kind"] == "landmarks":
        table = Table("faces", "by width", "by outer eyes", "by inter-ocular", title="normalised error, mean")
        for row in numbers["results"]:
            errors = row["nrmse"]
            cells = (f"{100 * errors[by]:.2f} %" for by in ("width", "outer_eye", "inter_ocular"))
            table.add_row(f"{row['n']} of {row['data']}", *cells)
        return table
    if card["kind"] == "finder":
        table = Table("scenes of faces", "faces to find", "average precision (1 without fail)")
        for row in numbers["results"]:
            table.add_row(f"{row['scenes']} of {row['data']}", str(row["n"]), f"{row['average_precision']:.3f}")
        return table
    if card["kind"] == "features":
        table = Table("faces", "people, none trained on", "tells them apart (0.5 is chance, 1 without fail)")
        for row in numbers["results"]:
            table.add_row(f"{row['n']} of {row['data']}", str(row["people"]), f"{row['auc']:.3f}")
        return table
    title = f"y-crop8 on {numbers['faces']} faces of {numbers['data']}, PSNR dB / SSIM (--json has all)"
    table = Table("crop", "bicubic", name, title=title, title_justify="left")
    for row in numbers["results"]:
        scores = row["y-crop8"]
        plain = f"{scores['bicubic_psnr']:.2f} / {scores['bicubic_ssim']:.4f}"
        table.add_row(f"{row['lr_size']} px", plain, f"{scores['psnr']:.2f} / {scores['ssim']:.4f}")
    return table
