"""Names of training configs: those that come with the package, and paths. Nothing here imports torch."""

from pathlib import Path

from dicface.checkpoints.runs import shipped_configs
from dicface.errors import ConfigError


def find_config(name: str | Path) -> Path:
    """File of a config.

    Args:
        name: name of a shipped config, or path of a TOML file.

    Raises:
        ConfigError: neither.
    """
    path, shipped = Path(name), shipped_configs()
    if path.is_file():
        return path
    if str(name) in shipped:
        return shipped[str(name)]
    raise ConfigError(f"expected a TOML file or one of {', '.join(shipped)}, got {str(name)!r}")
