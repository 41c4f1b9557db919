"""ONNX Runtime sessions."""

from pathlib import Path

import onnxruntime

from dicface.errors import CheckpointError, UsageError
from dicface.runtime.providers import CPU_PROVIDER, PROVIDER_VARIABLE, choose_provider


def open_session(path: Path, threads: int = 0, spinning: bool = True) -> onnxruntime.InferenceSession:
    """Load an ONNX file in ONNX Runtime, on the provider that `choose_provider` takes.

    Args:
        path: the file.
        threads: that it computes with; 0 takes one for each core.
        spinning: threads stay awake between pieces of work: the fastest for one call at a time, and costly where others
            could use the cores meanwhile.

    Raises:
        CheckpointError: not an ONNX file.
        UsageError: the provider asked for is not there, or does not start; ONNX Runtime would go on slowly on the CPU.
    """
    provider = choose_provider(onnxruntime.get_available_providers())
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    # A plan of the memory for every shape that comes gains no time and keeps the largest for ever.
    options.enable_mem_pattern = False
    options.add_session_config_entry("session.intra_op.allow_spinning", str(int(spinning)))
    if provider == "DmlExecutionProvider":
        # DirectML takes no memory pattern either, and nothing in parallel.
        options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    providers = list(dict.fromkeys((provider, CPU_PROVIDER)))
    try:
        session = onnxruntime.InferenceSession(path, options, providers=providers)
        # Names that are no text fail when they are asked for.
        for port in (*session.get_inputs(), *session.get_outputs()):
            str(port.name)
    except Exception as error:  # its exceptions share no base but this
        raise CheckpointError(f"expected an ONNX model, could not load {str(path)!r}: {error}") from error
    if session.get_providers()[0] != provider:
        raise UsageError(
            f"expected ONNX Runtime to start {provider}, it fell back to {session.get_providers()[0]}; mend its "
            f"installation, or set {PROVIDER_VARIABLE}=cpu"
        )
    return session
