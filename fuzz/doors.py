"""The doors through which strangers' files come in, each as a function of a file's bytes, with files to begin from.

Whatever the bytes are, a door gives its result or raises a `DicfaceError` (or a `MemoryError`, which the command line
turns into one line). Anything else is a finding. The tests replay `tests/fuzz_corpus/DOOR/*` through these functions.
"""

import dataclasses
import io
import json
import pickle
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import safetensors.torch
import torch
from PIL import Image

from dicface.checkpoints.networks import is_ours, load_network, load_run, save_network
from dicface.checkpoints.pickled import read_pickled
from dicface.checkpoints.recognise import recognise_network
from dicface.checkpoints.runs import CONFIGS
from dicface.data.packs import SCHEMA, read_pack
from dicface.errors import DicfaceError
from dicface.images.metadata import result_metadata
from dicface.images.metadata_writing import save_options
from dicface.images.photo import read_photo
from dicface.images.pixels import resize
from dicface.networks.dic import DICConfig, DICNetwork
from dicface.preparation.plain_pickle import read_plain_pickle
from dicface.runtime.backends import is_face_model
from dicface.training.config_files import read_config

ROOT = Path(__file__).parent.parent
_MEGAPIXELS = 1.0
_SMALL = DICConfig(
    stem="any-size", steps=1, features=2, groups=1, projection_stride=2, fusion_blocks=1, hourglass_width=4
)


class Door(NamedTuple):
    """A reader of files.

    Attributes:
        suffix: of the file that it is given.
        read: takes the file.
        seeds: gives whole files to begin from.
    """

    suffix: str
    read: Callable[[Path], object]
    seeds: Callable[[], Iterator[bytes]]


def _read_image(path: Path) -> None:
    """What `restore` does with a file but for the faces: pixels in, metadata out again."""
    photo = read_photo(path, _MEGAPIXELS)
    metadata = result_metadata(photo.metadata, photo.pixels)
    for suffix in (".jpg", ".png", ".tif"):
        save_options(suffix, metadata, photo.grey)


def _images() -> Iterator[bytes]:
    # The door's own corpus: every format, mode and depth, and damages of them.
    from tests.support.corpus import samples

    for sample in samples():
        if len(sample.content) < 20_000:
            yield sample.content


def _read_weights(path: Path) -> None:
    if is_ours(path):
        load_network(path)


def _weights() -> Iterator[bytes]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "seed.safetensors")
        save_network(DICNetwork(_SMALL), path)
        yield path.read_bytes()
    yield safetensors.torch.save({"a": torch.zeros(2, 2)}, {"network": json.dumps(dataclasses.asdict(_SMALL))})
    yield safetensors.torch.save({"a": torch.zeros(1)}, {"hourglass": '{"width": 1}'})


def _read_foreign(path: Path) -> None:
    recognise_network(read_pickled(path))


def _saved(content: object, *, new: bool = True) -> bytes:
    file = io.BytesIO()
    torch.save(content, file, _use_new_zipfile_serialization=new)
    return file.getvalue()


def _foreign() -> Iterator[bytes]:
    state = {"module.conv_in.0.weight": torch.zeros(2, 3, 3, 3), "module.block.num_batches_tracked": torch.zeros(1)}
    for new in (True, False):
        yield _saved(state, new=new)
        yield _saved({"netG": state, "iter": 7, "loss": [np.float64(0.5)]}, new=new)


def _read_run(path: Path) -> None:
    config = path.with_name("config.json")
    if not config.exists():
        config.write_text(json.dumps({"network": dataclasses.asdict(_SMALL)}))
    load_run(path)


def _runs() -> Iterator[bytes]:
    yield _saved({"state_dict": {"network.a": torch.zeros(2)}, "epoch": 1})
    yield _saved({"state_dict": {"network.a": torch.zeros(2)}}, new=False)


def _plain_pickles() -> Iterator[bytes]:
    for protocol in (0, 2, 4):
        yield pickle.dumps([{"path": "a.jpg", "landmarks": [[1.0, 2.5]] * 3}, (None, True, 7)], protocol)


def _packs() -> Iterator[bytes]:
    encoded = io.BytesIO()
    Image.fromarray(resize(np.arange(27, dtype=np.uint8).reshape(3, 3, 3) * 9, (128, 128))).save(encoded, "PNG")
    row = {"key": "a/1", "source": "a", "identity": None, "image": encoded.getvalue(), "landmarks": [5.0] * 136}
    for compression in ("none", "snappy"):
        file = io.BytesIO()
        pq.write_table(pa.Table.from_pylist([row], SCHEMA), file, compression=compression)
        yield file.getvalue()


def _configs() -> Iterator[bytes]:
    for path in sorted(CONFIGS.glob("*.toml")):
        yield path.read_bytes()


def _onnx() -> Iterator[bytes]:
    from onnx import TensorProto, helper

    for outputs in (("sr", "heatmaps"), ("y",)):
        ports = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", 3, 16, 16]) for name in outputs]
        entry = helper.make_tensor_value_info("lr", TensorProto.FLOAT, ["n", 3, 16, 16])
        nodes = [helper.make_node("Identity", ["lr"], [name]) for name in outputs]
        graph = helper.make_graph(nodes, "seed", [entry], ports)
        model = helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", 17)])
        yield model.SerializeToString()


DOORS = {
    "image": Door(".jpg", _read_image, _images),
    "weights": Door(".safetensors", _read_weights, _weights),
    "foreign": Door(".pth", _read_foreign, _foreign),
    "run": Door(".ckpt", _read_run, _runs),
    "plain-pickle": Door(".pkl", read_plain_pickle, _plain_pickles),
    "pack": Door(".parquet", read_pack, _packs),
    "config": Door(".toml", read_config, _configs),
    "onnx": Door(".onnx", is_face_model, _onnx),
}


def go_through(door: Door, content: bytes, folder: Path) -> None:
    """Give a file of these bytes to a door; returns unless there is a finding, which is raised."""
    path = folder / f"file{door.suffix}"
    path.write_bytes(content)
    with suppress(DicfaceError, MemoryError):
        door.read(path)
