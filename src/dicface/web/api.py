"""`POST /restore`: a photo in, the restored photo or its report out."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

from dicface.errors import OutputError, UsageError
from dicface.faces.geometry import Box
from dicface.images.photo import WRITE_SUFFIXES
from dicface.restoration.choice import Strength
from dicface.restoration.files import restore_file
from dicface.restoration.scale import Scale
from dicface.runtime.models import DEFAULT_MODEL, embedded_models
from dicface.web.networks import NO_NETWORKS, AddedNetworks
from dicface.web.request import MAX_RESULT_MEGAPIXELS, MAX_UPLOAD_MEGAPIXELS, request_sharpness
from dicface.web.restorers import restorer_of
from dicface.web.result import WrittenFaces, result_name

PARAMETERS = (
    *("scale", "strength", "full_strength", "faces", "min_face", "max_face", "box", "only_boxes", "force"),
    *("large_faces", "background", "model", "sharpness", "format"),
)
_TRUE, _FALSE = ("1", "true", "yes", ""), ("0", "false", "no")


class Options(NamedTuple):
    """Parameters of a request.

    Attributes:
        model: name of an embedded model.
        suffix: of the result; None for that of the photo.
        restoring: arguments of `restore_file`.
        networks: of the operator's networks, those that are switched on.
        sharpness: of the faces, one of `SHARPNESSES`.
    """

    model: str
    suffix: str | None
    restoring: dict[str, Any]
    networks: AddedNetworks = NO_NETWORKS
    sharpness: float = 0.0


def read_options(values: Mapping[str, Sequence[str]], networks: AddedNetworks = NO_NETWORKS) -> Options:
    """Read the parameters of a request.

    Args:
        values: by name, those of a query or a form.
        networks: the operator's.

    Raises:
        UsageError: an unknown parameter, a value that it cannot have, or a network that the operator has not given.

    >>> read_options({"scale": ["2"], "faces": ["1,3"]}).restoring
    {'scale': 2.0, 'faces': [1, 3]}
    """
    unknown = [name for name in values if name not in PARAMETERS]
    if unknown:
        raise UsageError(f"expected parameters among {', '.join(PARAMETERS)}, got {unknown[0]!r}")
    last = {name: said[-1] for name, said in values.items() if said}
    options: dict[str, Any] = {}
    if "scale" in last:
        options["scale"] = _scale(last["scale"])
    if "strength" in values:
        options["strength"] = _strength(values["strength"])
    options |= {name: _number(name, last[name]) for name in ("min_face", "max_face") if name in last}
    if "faces" in last:
        options["faces"] = [_whole("faces", part) for part in last["faces"].split(",")]
    if "box" in values:
        options["boxes"] = [_box(said) for said in values["box"]]
    options |= {name: _flag(name, last[name]) for name in ("only_boxes", "force") if name in last}
    if "full_strength" in last:
        options["adaptive"] = not _flag("full_strength", last["full_strength"])
    switches = {name: _flag(name, last.get(name, "no")) for name in ("large_faces", "background")}
    chosen = networks.chosen(**switches)
    model, names = last.get("model", DEFAULT_MODEL), list(embedded_models("restoration"))
    # A path would be a file of the server.
    if model not in names:
        raise UsageError(f"expected a `model`, one of {', '.join(names)}, got {model!r}")
    sharpness = request_sharpness(model, _number("sharpness", last["sharpness"]) if "sharpness" in last else None)
    suffix = f".{last['format'].lower().lstrip('.')}" if "format" in last else None
    if suffix is not None and suffix not in WRITE_SUFFIXES:
        known = ", ".join(each.lstrip(".") for each in WRITE_SUFFIXES)
        raise UsageError(f"expected as format one of {known}, got {last['format']!r}")
    return Options(model, suffix, options, chosen, sharpness)


def in_parameters(error: UsageError) -> str:
    """An error's text with the names of arguments replaced by those of parameters."""
    return str(error).replace("`boxes`", "`box`")


def restore_upload(source: Path, folder: Path, name: str, options: Options) -> WrittenFaces:
    """Restore an uploaded photo, in the worker's process.

    Args:
        source: the photo.
        folder: for the result.
        name: what its owner calls the photo.
        options: of the request.

    Raises:
        DicfaceError: the photo or the options cannot be used.
    """
    wanted = options.suffix or source.suffix.lower()
    suffixes = [options.suffix] if options.suffix else [wanted if wanted in WRITE_SUFFIXES else ".png", ".png"]
    for suffix in dict.fromkeys(suffixes):
        try:
            result = restore_file(
                source,
                folder / f"restored{suffix}",
                restorer=restorer_of(options.model, options.networks, options.sharpness),
                max_megapixels=MAX_UPLOAD_MEGAPIXELS,
                max_result_megapixels=MAX_RESULT_MEGAPIXELS,
                **options.restoring,
            )
        except OutputError:
            if suffix == suffixes[-1]:
                raise
        else:
            # Paths on the server stay private.
            target_name = result_name(name, suffix)
            row = {**result.report_row(), "input": name, "output": target_name, "sentence": result.sentence}
            return WrittenFaces(result.target, target_name, row)
    raise AssertionError("the last suffix returns or raises")


def _scale(said: str) -> Scale:
    auto: Literal["auto"] = "auto"
    return auto if said == auto else _number("scale", said)


def _strength(said: Sequence[str]) -> Strength:
    """Strength of all faces, and of single ones by their numbers, as in 0.7 and 3=0.4."""
    strengths: dict[int | None, float] = {}
    for text in said:
        number, equals, share = text.rpartition("=")
        try:
            strengths[int(number) if equals else None] = float(share)
        except ValueError as error:
            raise UsageError(f"expected as `strength` 0.7, or 3=0.4 for the face of number 3, got {text!r}") from error
    return strengths[None] if strengths.keys() == {None} else strengths


def _number(name: str, said: str) -> float:
    try:
        return float(said)
    except ValueError as error:
        raise UsageError(f"expected a number as `{name}`, got {said!r}") from error


def _whole(name: str, said: str) -> int:
    try:
        return int(said)
    except ValueError as error:
        raise UsageError(f"expected whole numbers with commas between as `{name}`, got {said!r}") from error


def _flag(name: str, said: str) -> bool:
    if said.lower() not in _TRUE + _FALSE:
        raise UsageError(f"expected true or false as `{name}`, got {said!r}")
    return said.lower() in _TRUE


def _box(said: str) -> Box:
    parts = [_number("box", part) for part in said.split(",")]
    if len(parts) != 4:
        raise UsageError(f"expected as `box` left,top,right,bottom in pixels of the photo, got {said!r}")
    return Box(*parts)
