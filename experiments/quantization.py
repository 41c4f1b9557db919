"""What 8-bit integers would do to an embedded model: its speed and its PSNR, beside the file as it is.

    python -m experiments.quantization PACK --validation PACK

Static quantisation by ONNX Runtime (QDQ, per channel, symmetric weights), calibrated on faces of the pack at all sizes.
Times are processor milliseconds of one thread for a face of 16 px, which a busy machine distorts least. OpenVINO runs
the file as it is in bfloat16 where the processor does.
"""

import tempfile
import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from itertools import product
from pathlib import Path
from typing import Annotated

import numpy as np
import onnxruntime
import typer
from numpy.typing import NDArray
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process
from rich.console import Console
from rich.table import Table

from dicface.data.packs import read_pack
from dicface.evaluation.protocols import Y_CROP8
from dicface.images.pixels import resize, to_network, to_uint8
from dicface.runtime.models import find_model

SIZES = (8, 12, 16, 24, 32, 48, 64)


def reduced(hr: NDArray[np.uint8], side: int) -> NDArray[np.float32]:
    """(N, 128, 128, 3) uint8 -> (N, 3, side, side) float32."""
    return to_network(np.stack([resize(face, (side, side)) for face in hr]))


class Faces(CalibrationDataReader):
    """Calibration data: one face at a time, each at the next of the sizes."""

    def __init__(self, hr: NDArray[np.uint8]) -> None:
        self._faces = self._each(hr)

    @staticmethod
    def _each(hr: NDArray[np.uint8]) -> Iterator[dict[str, NDArray[np.float32]]]:
        for number, face in enumerate(hr):
            yield {"lr": reduced(face[None], SIZES[number % len(SIZES)])}

    def get_next(  # pyright: ignore[reportIncompatibleMethodOverride] - its stub says dict, and its docs None at the end
        self,
    ) -> dict[str, NDArray[np.float32]] | None:
        """The next face, None at the end."""
        return next(self._faces, None)


def runner(backend: str, path: Path) -> Callable[[NDArray[np.float32]], NDArray[np.float32]]:
    """Model file to a call that gives the images of all steps, in one thread."""
    if backend == "openvino":
        import openvino

        request = openvino.Core().compile_model(path, "CPU", {"INFERENCE_NUM_THREADS": 1}).create_infer_request()
        return lambda lr: np.array(request.infer({"lr": lr})["sr"])
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    return lambda lr: np.asarray(session.run(["sr", "heatmaps"], {"lr": lr})[0])


def main(
    pack: Annotated[Path, typer.Argument(help="Face pack to calibrate on.")],
    validation: Annotated[Path, typer.Option(help="Face pack to measure on.")],
    model: str = "lite",
    faces: Annotated[int, typer.Option(help="Calibrate on that many.")] = 210,
    measured: Annotated[int, typer.Option(help="Measure on that many.")] = 100,
) -> None:
    """Print time and PSNR of both."""
    hr, _ = read_pack(validation, measured).nominal()
    calibration, _ = read_pack(pack, faces).nominal()
    with tempfile.TemporaryDirectory() as folder:
        prepared, quantised = Path(folder, "prepared.onnx"), Path(folder, "int8.onnx")
        quant_pre_process(find_model(model), prepared, skip_symbolic_shape=True)
        quantize_static(
            prepared,
            quantised,
            Faces(calibration),
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=["Conv"],
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
        )
        table = Table("backend", "file", "cpu ms", *(f"{side} px" for side in SIZES))
        backends = ("onnxruntime", "openvino") if find_spec("openvino") else ("onnxruntime",)
        for backend, (name, path) in product(backends, (("as it is", find_model(model)), ("int8", quantised))):
            run = runner(backend, path)
            lr = reduced(hr[:1], 16)
            times_s: list[float] = []
            for _ in range(30):
                start = time.process_time()
                run(lr)
                times_s.append(time.process_time() - start)
            cells: list[str] = []
            for side in SIZES:
                images = reduced(hr, side)
                sr = np.concatenate([run(images[k : k + 1])[:, -1] for k in range(len(images))])
                cells.append(f"{Y_CROP8.psnr(to_uint8(sr.transpose(0, 2, 3, 1)), hr).mean():.2f}")
            table.add_row(backend, name, f"{min(times_s) * 1000:.1f}", *cells)
    Console().print(table)


if __name__ == "__main__":
    typer.run(main)
