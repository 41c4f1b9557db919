"""Names of training configs: those that come with the package, and paths. Nothing here imports torch."""

from pathlib import Path

from dicface.errors import ConfigError

_PACKAGE = Path(__file__).parent.parent


def _folder() -> Path:
    """Folder of the shipped configs: in the installed package, or at the root of the checkout that it runs from."""
    inside = _PACKAGE / "configs"
    return inside if inside.is_dir() else _PACKAGE.parent.parent / "configs"


def shipped_configs() -> dict[str, Path]:
    """Files of the configs that come with the package, by name: `lite`, `paper/dic-celeba`."""
    folder = _folder()
    return {path.relative_to(folder).with_suffix("").as_posix(): path for path in sorted(folder.rglob("*.toml"))}


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
