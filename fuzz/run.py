"""Fuzz a door until the time is over; see README.md.

python fuzz/run.py DOOR SECONDS FOLDER
"""

import sys
import tempfile
from pathlib import Path

import atheris

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

with atheris.instrument_imports(include=["dicface", "PIL", "pickle", "zipfile", "tomllib"]):
    from fuzz.doors import DOORS, go_through


def main(door_name: str, seconds: int, folder: Path) -> None:
    """Mutate the seeds, the regression corpus and what is in FOLDER, where inputs of interest are kept."""
    door = DOORS[door_name]
    seeds, known = folder / "seeds", ROOT / "tests" / "fuzz_corpus" / door_name
    for made in (folder / "corpus", seeds):
        made.mkdir(parents=True, exist_ok=True)
    for number, content in enumerate(door.seeds()):
        (seeds / f"{number:03}").write_bytes(content)
    corpora = [str(path) for path in (folder / "corpus", seeds, known) if path.is_dir()]
    limits = [f"-max_total_time={seconds}", "-rss_limit_mb=3000", "-timeout=20", "-max_len=40000"]
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as scratch:
        arguments = [sys.argv[0], *limits, f"-artifact_prefix={folder}/finding-", *corpora]
        atheris.Setup(arguments, lambda content: go_through(door, content, Path(scratch)))
        atheris.Fuzz()


if __name__ == "__main__":
    if len(sys.argv) != 4 or sys.argv[1] not in DOORS:
        sys.exit(f"usage: python fuzz/run.py {'|'.join(DOORS)} SECONDS FOLDER")
    main(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]))
