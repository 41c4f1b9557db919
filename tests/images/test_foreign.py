"""PDF, RAW and documents of editors are refused with what to do."""

from pathlib import Path

import pytest
from PIL import Image
from PIL.TiffImagePlugin import ImageFileDirectory_v2

from dicface.errors import ImageError
from dicface.images.photo import read_photo


@pytest.mark.parametrize(
    ("name", "head", "hint"),
    [
        ("a.pdf", b"%PDF-1.7\n", r"got a PDF; export its pages as images first, for example with pdftoppm -png"),
        ("a.jpg", b"%PDF-1.7\n", "got a PDF"),
        ("a.psd", b"8BPS\0\1", "got a Photoshop document"),
        ("a.jp2", b"\0\0\0\x0cjP  \r\n\x87\n", "got JPEG 2000; convert it to PNG or JPEG"),
        ("a.jxl", b"\0\0\0\x0cJXL \r\n\x87\n", "got JPEG XL"),
        ("a.cr2", b"II*\0\x10\0\0\0CR\2\0", r"got a camera's RAW; develop it to TIFF or JPEG first"),
        ("a.cr3", b"\0\0\0\x18ftypcrx ", "got a camera's RAW"),
        ("a.raf", b"FUJIFILMCCD-RAW 0201", "got a camera's RAW"),
        ("a.pef", b"MM\0*\0\0", "got a camera's RAW"),
        ("a.png", b"something", "got something else or a damaged header"),
    ],
)
def test_what_to_do_with_it(tmp_path: Path, name: str, head: bytes, hint: str) -> None:
    (tmp_path / name).write_bytes(head + bytes(200))
    with pytest.raises(ImageError, match=hint):
        read_photo(tmp_path / name)


@pytest.mark.parametrize(("tag", "value"), [(0xC612, b"\1\4\0\0"), (0x014A, 8)])
def test_a_raw_files_preview_is_no_photo(tmp_path: Path, tag: int, value: bytes | int) -> None:
    """DNG and NEF begin as a TIFF with a thumbnail."""
    info = ImageFileDirectory_v2()
    info[0x00FE] = 1
    info[tag] = value
    Image.new("RGB", (16, 12)).save(tmp_path / "a.tif", tiffinfo=info)
    with pytest.raises(ImageError, match="expected a photo, got a camera's RAW; develop it"):
        read_photo(tmp_path / "a.tif")
    Image.new("RGB", (16, 12)).save(tmp_path / "b.tif")
    assert read_photo(tmp_path / "b.tif").pixels.shape == (12, 16, 3)
    (tmp_path / "b.tif").rename(tmp_path / "b.arw")
    with pytest.raises(ImageError, match="got a camera's RAW"):
        read_photo(tmp_path / "b.arw")
