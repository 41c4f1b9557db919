"""ONNX Runtime sessions."""

from pathlib import Path

import onnxruntime

from dicface.errors import CheckpointError, UsageError
from dicface.files import check_readable
from dicface.runtime.providers import CPU_PROVIDER, PROVIDER_VARIABLE, ProviderName, choose_provider


def open_session(
    path: Path,
    *,
    graph: bytes | None = None,
    threads: int | None = None,
    spinning: bool = True,
    provider: ProviderName = "auto",
) -> onnxruntime.InferenceSession:
    """Load an ONNX file in ONNX Runtime.

    Args:
        path: the file.
        graph: ONNX content to load instead, with changed weights; None reads the file.
        threads: threads of the network; None takes one for each core.
        spinning: threads stay awake between operations: fastest for one call at a time, costly where others could use
            the cores.
        provider: see `choose_provider`.

    Raises:
        InputError: not an ONNX file, or one that may not be read.
        UsageError: the provider asked for is not there, or does not start; ONNX Runtime alone would use the CPU.
    """
    if graph is None:
        check_readable(path)
    chosen = choose_provider(onnxruntime.get_available_providers(), provider=provider)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads or 0
    options.log_severity_level = 3
    # Memory patterns for every input shape save no time and keep the largest allocated.
    options.enable_mem_pattern = False
    options.add_session_config_entry("session.intra_op.allow_spinning", str(int(spinning)))
    if chosen == "DmlExecutionProvider":
        # DirectML supports neither memory patterns nor parallel execution.
        options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    providers = list(dict.fromkeys((chosen, CPU_PROVIDER)))
    try:
        session = onnxruntime.InferenceSession(path if graph is None else graph, options, providers=providers)
        # Undecodable names raise on access.
        for port in (*session.get_inputs(), *session.get_outputs()):
            str(port.name)
    except Exception as error:  # its exceptions share no base but this
        raise CheckpointError(f"expected an ONNX model, could not load {str(path)!r}: {error}") from error
    if session.get_providers()[0] != chosen:
        raise UsageError(
            f"expected ONNX Runtime to start {chosen}, it fell back to {session.get_providers()[0]}; mend its "
            f"installation, or set {PROVIDER_VARIABLE}=cpu"
        )
    return session
