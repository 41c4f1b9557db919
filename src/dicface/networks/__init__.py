"""The paper's networks as modules of PyTorch: tensors in, tensors out."""

import os

# With downloads, huggingface_hub sends the version of torch and asks its server what runs the terminal. It reads this
# variable once, on import.
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
