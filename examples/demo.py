"""Restore a real photo with a tiny face: the NASA portrait, shrunk until the face is about 22 px wide.

    python examples/demo.py OUT

Writes to the folder OUT: `photo.png` (the shrunk portrait), `restored.png` (four times larger, face restored),
`before-after.png` (plain enlargement, restored, and the portrait it came from) and `report.json`.
"""

import sys
import time
from pathlib import Path

from dicface import Outcome, Restorer
from dicface.files import write_json
from dicface.images.draw import side_by_side
from dicface.images.photo import Photo, read_photo, write_photo
from dicface.images.pixels import resize
from dicface.restoration.output import mark_of_photo, marked, result_photo
from dicface.restoration.report import photo_report

# Eileen Collins, photographed by NASA in 1999; public domain. The copy that scikit-image carries, as JPEG.
PORTRAIT = Path(__file__).parent / "portrait.jpg"
SHRUNK_PX = 121
SCALE = 4


def main(out: Path) -> None:
    """Shrink, restore, write, and say what was found."""
    portrait = read_photo(PORTRAIT).pixels
    photo = resize(portrait, (SHRUNK_PX, SHRUNK_PX))
    restorer = Restorer()
    start = time.perf_counter()
    restoration = restorer.restore(photo, SCALE)
    elapsed_s = time.perf_counter() - start

    side = SHRUNK_PX * SCALE
    pictures = [resize(photo, (side, side)), restoration.image, resize(portrait, (side, side))]
    write_photo(out / "photo.png", Photo(photo))
    mark = mark_of_photo(restorer.model, restoration)
    write_photo(out / "restored.png", result_photo(Photo(photo), restoration, mark))
    write_photo(
        out / "before-after.png", marked(side_by_side(pictures, gap=8), mark, "before, after, and the portrait")
    )
    report = photo_report(out / "photo.png", out / "restored.png", restoration, mark, SCALE, (), restoration.stages_s)
    write_json(out / "report.json", report)

    sys.stdout.write(f"{SHRUNK_PX}x{SHRUNK_PX} photo, {len(restoration.faces)} face(s) found in {elapsed_s:.2f} s\n")
    for face in restoration.faces:
        width, height = face.box.right - face.box.left, face.box.bottom - face.box.top
        sys.stdout.write(f"  {width:.0f}x{height:.0f} px, crop {face.square.side} px: {face.outcome.value}\n")
    sys.stdout.write(f"wrote {', '.join(str(path) for path in sorted(out.iterdir()))}\n")
    if not any(face.outcome is Outcome.RESTORED for face in restoration.faces):
        raise SystemExit("expected the face to be found and restored")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
