"""Whether torch, and what our networks need beside it, are installed."""

from importlib.util import find_spec


def lacks_torch() -> bool:
    """Whether networks cannot run in torch, since it or a module beside it is not installed."""
    return any(find_spec(name) is None for name in ("torch", "safetensors", "huggingface_hub"))
