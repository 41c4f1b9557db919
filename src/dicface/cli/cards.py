"""Model cards for the screen."""

from rich.table import Table

from dicface.runtime.cards import (
    FeaturesResult,
    FinderResult,
    LandmarkResult,
    ModelCard,
    RestorationResult,
    SharpResult,
)


def facts_table(card: ModelCard) -> Table:
    """Table of a model's size, data, licence and use."""
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    packs = ", ".join(f"{pack.file} ({pack.faces} faces)" for pack in card.data)
    work = f"{card.gflop:g} GFLOP a {'megapixel' if card.kind == 'finder' else 'face'}"
    table.add_row("size", f"{card.parameters / 1e6:.2f} M parameters, {work}")
    table.add_row("trained on", f"{packs}; {card.samples} faces seen")
    table.add_row("", f"{card.hardware}; at commit {card.commit}")
    table.add_row("licence", card.licence)
    table.add_row("use", card.use)
    for suffix, digest in card.sha256.items():
        table.add_row("sha256", f"{digest}  {card.name}{suffix}")
    return table


def _empty_table(card: ModelCard) -> Table:
    match card.kind:
        case "landmarks":
            return Table("faces", "by width", "by outer eyes", "by inter-ocular", title="normalised error, mean")
        case "finder":
            return Table("scenes of faces", "faces to find", "average precision (1 is perfect)")
        case "features":
            return Table("faces", "identities outside the training", "verification AUC (0.5 is chance, 1 is perfect)")
        case "sharp":
            title = f"by sharpness, on {card.numbers_faces} faces of {card.numbers_data}"
            header = ("crop", "sharpness", "PSNR dB", "detail", "correlation", "stitch", "identity", "landmarks")
            return Table(*header, title=title, title_justify="left")
        case "restoration":
            faces = f"{card.numbers_faces} faces of {card.numbers_data}"
            title = f"y-crop8 on {faces}, PSNR dB / SSIM (--json has all)"
            return Table("crop", "bicubic", card.name, title=title, title_justify="left")


def results_table(card: ModelCard) -> Table:
    """Table of a model's results: PSNR and SSIM by size of the crop with bicubic, or its own measures."""
    table = _empty_table(card)
    for row in card.results:
        match row:
            case LandmarkResult():
                cells = (f"{100 * row.nrmse[by]:.2f} %" for by in ("width", "outer_eye", "inter_ocular"))
                table.add_row(f"{row.n} of {row.data}", *cells)
            case FinderResult():
                table.add_row(f"{row.scenes} of {row.data}", str(row.n), f"{row.average_precision:.3f}")
            case FeaturesResult():
                table.add_row(f"{row.n} of {row.data}", str(row.identities), f"{row.auc:.3f}")
            case SharpResult():
                measured = (f"{row.psnr:.2f}", f"{row.detail:.0%}", f"{row.correlation:.2f}", f"{row.stitch:.2f}")
                same = (f"{row.identity:.3f}", f"{100 * row.nrmse:.2f} %")
                table.add_row(f"{row.lr_size} px", f"{row.sharpness:g}", *measured, *same)
            case RestorationResult():
                scores = row.protocols["y-crop8"]
                plain = f"{scores.bicubic_psnr:.2f} / {scores.bicubic_ssim:.4f}"
                table.add_row(f"{row.lr_size} px", plain, f"{scores.psnr:.2f} / {scores.ssim:.4f}")
    return table
