"""Model files as callables."""

import os

# From 1.31 on, ONNX Runtime sends telemetry on model load. It reads this variable once, on import.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
