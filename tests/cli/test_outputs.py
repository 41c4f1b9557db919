"""No result replaces anything that it was not meant to."""

from pathlib import Path

import pytest
from PIL import Image

from tests.support.command import dicface


def test_results_are_replaced_only_when_asked(photo: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.png"
    out.write_text("precious")
    result = dicface("restore", photo, "-o", out)
    assert result.returncode == 1
    assert "exists; add --overwrite to replace it" in result.stderr
    assert out.read_text() == "precious"
    assert dicface("restore", photo, "-o", out, "--overwrite").returncode == 0
    with Image.open(out) as image:
        assert image.size == (484, 484)


def test_an_input_is_never_replaced(photo: Path) -> None:
    before = photo.read_bytes()
    result = dicface("restore", photo, "-o", photo, "--overwrite")
    assert result.returncode == 1
    assert "the result would replace an input" in result.stderr
    assert photo.read_bytes() == before


def test_an_output_that_cannot_be_written(photo: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    result = dicface("restore", photo, "-o", tmp_path / "file" / "out.png")
    assert result.returncode == 1
    assert "could not write" in result.stderr
    assert result.stderr.count("\n") == 1


def test_two_inputs_of_one_name(photo: Path, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    twin = tmp_path / "other" / "photo.png"
    twin.write_bytes(photo.read_bytes())
    result = dicface("restore", photo, twin, "-o", tmp_path / "out", "--overwrite")
    assert result.returncode == 1
    assert "another input of this call was already written to" in result.stderr


def test_several_inputs_need_a_folder(photo: Path, tmp_path: Path) -> None:
    result = dicface("restore", photo, photo, "-o", tmp_path / "out.png")
    assert result.returncode == 2
    assert "expected a folder for several results, got 'out.png', which is named like an image" in result.stderr


@pytest.mark.parametrize("name", ["out.gif", "out.jp2", "out.pdf"])
def test_an_output_that_cannot_be_encoded_is_no_folder(photo: Path, tmp_path: Path, name: str) -> None:
    result = dicface("restore", photo, "-o", tmp_path / name)
    assert result.returncode == 2
    assert "expected an output ending in one of .png" in result.stderr
    assert f"or an existing folder, got '{name}'" in result.stderr
    assert not (tmp_path / name).exists()


def test_no_input_of_the_call_is_replaced(photo: Path, tmp_path: Path) -> None:
    other = tmp_path / "photo.png"
    other.write_bytes(photo.read_bytes() + b"other")
    before = other.read_bytes()
    result = dicface("restore", photo, other, "-o", tmp_path, "--overwrite")
    assert result.returncode == 1
    assert result.stderr.count("the result would replace an input") == 2
    assert other.read_bytes() == before


def test_a_report_replaces_nothing_by_accident(photo: Path, tmp_path: Path) -> None:
    before = photo.read_bytes()
    result = dicface("restore", photo, "-o", tmp_path / "o.png", "--report", photo, "--overwrite")
    assert result.returncode == 2
    assert "expected --report to name a file of its own" in result.stderr
    assert photo.read_bytes() == before
    (tmp_path / "r.json").write_text("precious")
    result = dicface("restore", photo, "-o", tmp_path / "o.png", "--report", tmp_path / "r.json")
    assert result.returncode == 2
    assert (tmp_path / "r.json").read_text() == "precious"
    assert not (tmp_path / "o.png").exists()


@pytest.mark.parametrize("name", ["r.json", "r.jsonl"])
def test_a_report_that_cannot_be_written_is_told_before_any_work(photo: Path, tmp_path: Path, name: str) -> None:
    """Even before the model is looked for."""
    (tmp_path / "file").write_text("no folder")
    call = ("restore", photo, "-o", tmp_path / "o.png", "--model", "nothing")
    result = dicface(*call, "--report", tmp_path / "file" / name)
    assert result.returncode == 1
    assert f"could not write {str(tmp_path / 'file' / name)!r}" in result.stderr
    assert not (tmp_path / "o.png").exists()


def test_results_may_go_above_the_input(photo: Path, tmp_path: Path) -> None:
    result = dicface("restore", photo.parent, "-o", tmp_path)
    assert result.returncode == 0, result.stderr
    assert (tmp_path / "photo.png").exists()


@pytest.mark.slow
def test_results_below_the_input_are_not_input(photo: Path) -> None:
    for _ in range(2):
        result = dicface("restore", photo.parent, "-o", photo.parent / "out", "--overwrite")
        assert result.returncode == 0, result.stderr
        assert result.stdout.count("\n") == 1


def test_a_link_in_the_way_is_a_result_that_exists(photo: Path, tmp_path: Path) -> None:
    """A result would go through the link to whatever it names."""
    (tmp_path / "precious.png").write_bytes(b"precious")
    (tmp_path / "link.png").symlink_to(tmp_path / "precious.png")
    box = ("--box", "43,21,64,43", "--scale", "1")
    assert "exists; add --overwrite" in dicface("restore", photo, "-o", tmp_path / "link.png", *box).stderr
    assert dicface("restore", photo, "-o", tmp_path / "link.png", *box, "--overwrite").returncode == 0
    assert (tmp_path / "precious.png").read_bytes() == b"precious"


@pytest.mark.parametrize("out", ["/proc/dicface/out.png", "/dev/full/out.png", "/dev/full"])
def test_an_output_that_the_system_refuses(photo: Path, out: str) -> None:
    result = dicface("restore", photo, "-o", out, "--box", "43,21,64,43", "--scale", "1")
    assert result.returncode == 1
    assert result.stderr.count("\n") == 1
    assert "could not write" in result.stderr or "Not a directory" in result.stderr


def test_maps_of_two_inputs_do_not_replace_each_other(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for name in ("a.png", "a.bmp"):
        Image.linear_gradient("L").resize((16, 16)).save(tmp_path / "in" / name)
    result = dicface("upscale", tmp_path / "in", "-o", tmp_path / "out", "--uncertainty")
    assert result.returncode == 1
    assert "a.png: another input of this call was already written to" in result.stderr
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a.bmp", "a.uncertainty.png"]
    with Image.open(tmp_path / "out" / "a.uncertainty.png") as image:
        assert (image.mode, image.size) == ("L", (128, 128))


@pytest.mark.slow
@pytest.mark.parametrize("command", ["restore", "upscale"])
def test_a_stopped_batch_goes_on(tmp_path: Path, command: str) -> None:
    """As a kill leaves it: one photo done, of another the map, which is written first."""
    crops, out = tmp_path / "in", tmp_path / "out"
    crops.mkdir()
    for name in ("a.png", "b.png", "c.png"):
        Image.linear_gradient("L").resize((16, 16)).save(crops / name)
    call = (command, crops, "-o", out, "--uncertainty")
    assert dicface(*call).returncode == 0
    made = {path.name: path.read_bytes() for path in out.iterdir()}
    for name in ("b.png", "c.png", "c.uncertainty.png"):
        (out / name).unlink()
    without = dicface(*call)
    assert without.returncode == 1
    assert "b.uncertainty.png' exists; add --overwrite to replace it" in without.stderr
    (out / "c.png").unlink()
    (out / "c.uncertainty.png").unlink()
    other = dicface(*call, "--skip-existing", "--strength", "0.5")
    assert "b.uncertainty.png' exists without its photo and was not made with these settings; add --overwrite" in (
        other.stderr
    )
    assert not (out / "b.png").exists()
    for name in ("c.png", "c.uncertainty.png"):
        (out / name).unlink()
    result = dicface(*call, "--skip-existing")
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.endswith("skipped 1 of 3, whose results are there\n")
    assert {path.name: path.read_bytes() for path in out.iterdir()} == made


def test_a_map_counts_as_left_over_by_its_name_where_settings_do_not_matter(tmp_path: Path) -> None:
    Image.linear_gradient("L").resize((16, 16)).save(tmp_path / "a.png")
    out = tmp_path / "out"
    out.mkdir()
    (out / "a.uncertainty.png").write_text("cut off")
    call = ("upscale", tmp_path / "a.png", "-o", out, "--uncertainty", "--no-mark")
    assert dicface(*call, "--skip-existing=any").returncode == 0
    (out / "a.uncertainty.png").unlink()
    assert "a.png' exists; add --overwrite to replace it" in dicface(*call, "--skip-existing=any").stderr


def test_skipping_replaces_nothing_that_a_whole_call_would_not(tmp_path: Path) -> None:
    """Neither the result of another input of that name, nor an input, nor either by the report."""
    crop = Image.linear_gradient("L").resize((16, 16))
    for folder in ("one", "other", "out"):
        (tmp_path / folder).mkdir()
    for name in ("one/a.png", "other/a.png", "out/b.png"):
        crop.save(tmp_path / name)
    (tmp_path / "out" / "a.png").write_text("precious")
    before = {path: path.read_bytes() for path in tmp_path.rglob("*.png")}
    call = ("-o", "out", "--skip-existing=any", "--overwrite")
    result = dicface("upscale", "one/a.png", "other/a.png", "out/b.png", *call, cwd=tmp_path)
    assert (result.returncode, result.stdout) == (1, "skipped 1 of 3, whose results are there\n")
    assert "other/a.png: another input of this call was already written to 'out/a.png'; rename one" in result.stderr
    assert "out/b.png: the result would replace an input; choose another output" in result.stderr
    for report in ("one/a.png", "out/a.png"):
        result = dicface("restore", "one/a.png", *call, "--report", report, cwd=tmp_path)
        assert result.returncode == 2
        assert f"expected --report to name a file of its own, got '{report}'" in result.stderr
    assert {path: path.read_bytes() for path in tmp_path.rglob("*.png")} == before
