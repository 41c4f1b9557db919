"""Model files as callables."""

import os

# From 1.31 on, ONNX Runtime tells its makers about every model it loads. It looks here once, when it is imported.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
