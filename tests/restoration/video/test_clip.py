"""Clips from file to file: streams, time, rotation, colours, parts, stops."""

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from dicface import ClipError, Output, OutputError, Restorer, UsageError, VideoResult
from dicface.restoration.video.comment import stated_clip_digest
from dicface.restoration.video.reading import Clip, ClipFrame
from tests.support.clips import UNEVEN_MS, frames_of, moving_face, packets_of, stamps_of, write_clip

GREY = np.full((48, 64, 3), 128, np.uint8)


@pytest.fixture(scope="module")
def restorer() -> Restorer:
    return Restorer(backend="onnxruntime", threads=1)


@pytest.fixture(scope="module")
def uneven(portrait: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clip with a face, sound, a chapter, metadata and uneven time stamps."""
    frames = moving_face(portrait, len(UNEVEN_MS))
    return write_clip(tmp_path_factory.mktemp("clips") / "uneven.mp4", frames, UNEVEN_MS, sound=True)


@pytest.fixture(scope="module")
def result(restorer: Restorer, uneven: Path) -> VideoResult:
    return restorer.restore_video(uneven, uneven.with_name("result.mp4"))


def test_time_stamps_and_their_base_are_kept(result: VideoResult) -> None:
    assert stamps_of(result.target) == [Fraction(stamp, 1000) for stamp in UNEVEN_MS]
    with av.open(str(result.target)) as container:
        assert container.streams.video[0].time_base == Fraction(1, 1000)


def test_sound_chapters_and_metadata_are_passed_on(uneven: Path, result: VideoResult) -> None:
    sound = packets_of(uneven, "audio")
    assert len(sound) > 5
    assert packets_of(result.target, "audio") == sound
    with av.open(str(uneven)) as before, av.open(str(result.target)) as after:
        assert after.metadata["title"] == "A walk"
        assert "location" not in after.metadata
        assert [chapter["metadata"] for chapter in after.chapters()] == [{"title": "one"}]
        starts = [float((each.streams.audio[0].start_time or 0) / 48000) for each in (before, after)]
        assert starts[0] == starts[1]


def test_subtitles_are_passed_on_and_named_where_they_cannot_be(restorer: Restorer, tmp_path: Path) -> None:
    source = tmp_path / "a.mkv"
    with av.open(str(source), "w") as container:
        video: Any = container.add_stream("libx264", rate=25)
        video.height, video.width, video.pix_fmt = 48, 64, "yuv420p"
        text = container.add_mux_stream("subrip")
        container.mux(video.encode(av.VideoFrame.from_ndarray(GREY)))
        container.mux(video.encode(None))
        said = av.Packet(b"Hello")
        said.stream, said.pts, said.dts, said.duration, said.time_base = text, 0, 0, 80, Fraction(1, 1000)
        container.mux(said)
    result = restorer.restore_video(source, tmp_path / "out.mkv")
    assert (packets_of(result.target, "subtitle"), result.notes) == ([b"Hello"], ())
    other = restorer.restore_video(source, tmp_path / "out.mp4")
    assert other.notes == ("left out: a stream of srt, which .mp4 cannot hold",)


def test_the_mark_says_model_and_settings(result: VideoResult) -> None:
    with av.open(str(result.target)) as container:
        comment = container.metadata["comment"]
    assert comment.startswith("mine; faces restored by a neural network: dicface ")
    assert result.provenance.model_sha256 in comment
    assert stated_clip_digest(result.target) == result.provenance.settings_sha256 != ""


def test_the_face_is_restored_in_every_frame(uneven: Path, result: VideoResult) -> None:
    (track,) = result.tracks
    assert (track.outcome.name, track.first, track.last, track.restored_frames) == ("RESTORED", 0, 7, 8)
    assert result.sentence == "1 of 1 faces restored in 8 frames"
    before, after = frames_of(uneven)[4].astype(int), frames_of(result.target)[4].astype(int)
    change = np.abs(after - before).mean(axis=2)
    assert change[20:90, 50:100].mean() > 1.5
    assert change[:, 160:].mean() < 1


def test_the_report_has_tracks(result: VideoResult) -> None:
    row = json.loads(json.dumps(result.report_row()))
    assert (row["frames"], row["stopped"], row["output_size"]) == (8, False, [192, 128])
    assert row["tracks"][0] | {"probability": 0, "size_px": 0} == {
        "number": 1,
        "outcome": "restored",
        "reason": "restored",
        "first_frame": 0,
        "last_frame": 7,
        "restored_frames": 8,
        "size_px": 0,
        "strength": 1.0,
        "probability": 0,
    }


def test_memory_holds_one_frame_at_a_time(restorer: Restorer, portrait: np.ndarray) -> None:
    """A frame is asked for when the one before is taken."""
    asked: list[int] = []

    def frames():
        for number, frame in enumerate(moving_face(portrait, 3)):
            asked.append(number)
            yield frame

    restored = restorer.restore_frames(frames(), scale=2)
    first = next(restored)
    assert (asked, first.image.shape, first.is_cut) == ([0], (256, 384, 3), True)
    assert next(restored).faces[0].number == first.faces[0].number == 1
    assert asked == [0, 1]


@pytest.mark.parametrize("rotation", [90, 180, -90])
def test_frames_are_written_upright(restorer: Restorer, tmp_path: Path, rotation: int) -> None:
    stored = GREY.copy()
    stored[:20, :20] = (200, 40, 40)
    source = write_clip(tmp_path / "a.mp4", [stored] * 2, rotation=rotation)
    result = restorer.restore_video(source, tmp_path / "out.mp4")
    expected = np.rot90(stored, rotation // 90)
    (frame, _) = frames_of(result.target)
    assert frame.shape == expected.shape
    assert np.abs(frame.astype(int) - expected).mean() < 3
    with av.open(str(result.target)) as container:
        assert {each.rotation for each in container.decode(video=0)} == {0}


@pytest.mark.parametrize("full_range", [False, True])
def test_colours_are_carried(restorer: Restorer, tmp_path: Path, full_range: bool) -> None:
    frame = GREY.copy()
    frame[:, :32], frame[:24, 32:] = (30, 160, 90), (250, 250, 250)
    source = write_clip(tmp_path / "a.mp4", [frame] * 2, full_range=full_range)
    result = restorer.restore_video(source, tmp_path / "out.mp4", crf=5)
    with av.open(str(source)) as before, av.open(str(result.target)) as after:
        first, made = next(before.decode(video=0)), next(after.decode(video=0))
        assert (made.colorspace, made.color_primaries, made.color_trc) == (1, 1, 1)
        assert made.color_range == first.color_range == (2 if full_range else 1)
    with Clip(result.target) as clip:
        (pixels, *_) = [item.pixels for item in clip.items() if isinstance(item, ClipFrame)]
    assert np.abs(pixels[4:20, 4:28].astype(int) - (30, 160, 90)).mean() < 3
    assert np.abs(pixels[4:20, 36:60].astype(int) - 250).mean() < 3


def test_hdr_is_refused_in_one_line(restorer: Restorer, tmp_path: Path) -> None:
    source = write_clip(tmp_path / "a.mp4", [GREY] * 2, transfer=16)
    with pytest.raises(
        ClipError, match=r"expected a clip in standard dynamic range, got HDR \(PQ\); convert it"
    ) as error:
        restorer.restore_video(source, tmp_path / "out.mp4")
    assert "\n" not in str(error.value)
    assert not (tmp_path / "out.mp4").exists()


def test_ten_bits_are_said(restorer: Restorer, tmp_path: Path) -> None:
    source = write_clip(tmp_path / "a.mkv", [GREY] * 2, pixel_format="yuv420p10le")
    result = restorer.restore_video(source, tmp_path / "out.mkv")
    assert result.notes == ("10 bits a colour became 8",)
    assert result.sentence == "no face found in 2 frames, 10 bits a colour became 8"


def test_odd_sides(restorer: Restorer, tmp_path: Path) -> None:
    source = write_clip(tmp_path / "a.webm", [GREY[:47, :63]] * 2, codec="libvpx-vp9")
    same = restorer.restore_video(source, tmp_path / "out.webm")
    assert frames_of(same.target)[0].shape == (47, 63, 3)
    even = restorer.restore_video(source, tmp_path / "out.mkv")
    assert frames_of(even.target)[0].shape == (48, 64, 3)
    assert even.notes == ("63x47 became 64x48, since h264 takes even sides",)


def test_a_part_begins_at_zero_with_its_sound(restorer: Restorer, uneven: Path, tmp_path: Path) -> None:
    result = restorer.restore_video(uneven, tmp_path / "part.mp4", start_s=0.1, end_s=0.35)
    assert stamps_of(result.target) == [Fraction(stamp, 1000) for stamp in (30, 100, 110, 233)]
    all_packets, packets = packets_of(uneven, "audio"), packets_of(result.target, "audio")
    first = all_packets.index(packets[0])
    # 1024 samples at 48 kHz: the packets from 107 ms on, which is the fifth, after one of priming.
    assert (first, len(packets)) == (6, 12)
    assert packets == all_packets[first : first + len(packets)]


@pytest.mark.parametrize(
    ("suffix", "codec"), [(".mp4", None), (".mkv", None), pytest.param(".m4v", "h265", marks=pytest.mark.slow)]
)
def test_a_stop_leaves_a_clip_that_does_not_count_as_whole(
    restorer: Restorer, portrait: np.ndarray, tmp_path: Path, suffix: str, codec: Any
) -> None:
    """Matroska has packets without a decoding time at its start, which are kept, too."""
    source = write_clip(tmp_path / f"a{suffix}", moving_face(portrait, len(UNEVEN_MS)), UNEVEN_MS)
    done: list[tuple[int, int | None]] = []
    result = restorer.restore_video(
        source,
        tmp_path / f"out{suffix}",
        codec=codec,
        progress=lambda finished, whole: done.append((finished, whole)),
        is_stopped=lambda: len(done) == 3,
    )
    assert done[-1][0] == 3
    assert result.stopped
    assert result.sentence.endswith("stopped early: the result ends there")
    assert stamps_of(result.target) == [Fraction(stamp, 1000) for stamp in UNEVEN_MS[:3]]
    assert stated_clip_digest(result.target) == ""
    with av.open(str(result.target)) as container:
        assert "stopped early" in str(container.metadata)


def test_an_interruption_finishes_the_file_and_goes_on(restorer: Restorer, uneven: Path, tmp_path: Path) -> None:
    def interrupt(finished: int, _whole: int | None) -> None:
        if finished == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        restorer.restore_video(uneven, tmp_path / "out.mp4", progress=interrupt)
    assert len(stamps_of(tmp_path / "out.mp4")) == 2
    assert [path.name for path in tmp_path.iterdir()] == ["out.mp4"]


def test_an_error_leaves_nothing(restorer: Restorer, uneven: Path, tmp_path: Path) -> None:
    with pytest.raises(
        OutputError, match=r"holds the clip's sound \(aac\), .webm does not; choose an output ending in"
    ):
        restorer.restore_video(uneven, tmp_path / "out.webm")
    with pytest.raises(ClipError, match=r"expected frames of the clip from 9 s to its end, found none"):
        restorer.restore_video(uneven, tmp_path / "out.mp4", start_s=9)
    assert list(tmp_path.iterdir()) == []


def test_what_is_no_clip(restorer: Restorer, tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(b"no clip at all")
    with pytest.raises(ClipError, match=r"expected a clip \(MP4, MOV, MKV, WebM\), it cannot be read"):
        restorer.restore_video(tmp_path / "a.mp4", tmp_path / "out.mp4")


@pytest.mark.slow
def test_a_damaged_clip_is_restored_as_far_as_it_goes(restorer: Restorer, portrait: np.ndarray, tmp_path: Path) -> None:
    source = write_clip(tmp_path / "a.mkv", moving_face(portrait, 8))
    whole = source.read_bytes()
    source.write_bytes(whole[: len(whole) * 98 // 100])
    result = restorer.restore_video(source, tmp_path / "out.mkv")
    assert 0 < result.frames < 8
    assert len(stamps_of(result.target)) == result.frames


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"codec": "mpeg2"}, "expected a `codec`, one of h264, h265, vp9, av1, got 'mpeg2'"),
        ({"crf": 60}, "expected a `crf` from 0 to 51 for h264, got 60"),
        ({"start_s": -1}, "expected `start_s` in seconds, 0 or more, got -1"),
        ({"start_s": 2, "end_s": 1}, "expected `end_s` after the start at 2 s, got 1"),
        ({"scale": 9}, "expected a `scale` from 1 to 8, got 9"),
    ],
)
def test_wrong_arguments(restorer: Restorer, uneven: Path, tmp_path: Path, arguments: dict, message: str) -> None:
    with pytest.raises(UsageError) as error:
        restorer.restore_video(uneven, tmp_path / "out.mp4", **arguments)
    assert str(error.value) == message


def test_wrong_files(restorer: Restorer, uneven: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"expected an output ending in one of \.mp4 .*, got 'out\.png'"):
        restorer.restore_video(uneven, tmp_path / "out.png")
    with pytest.raises(UsageError, match="expected a `codec` that WebM holds, vp9 or av1, got 'h264'"):
        restorer.restore_video(uneven, tmp_path / "out.webm", codec="h264")
    with pytest.raises(OutputError, match="would replace an input"):
        restorer.restore_video(uneven, uneven, output=Output(overwrite=True))


def test_without_the_extra(monkeypatch: pytest.MonkeyPatch, restorer: Restorer, uneven: Path, tmp_path: Path) -> None:
    monkeypatch.setattr("dicface.images.clips.find_spec", lambda _: None)
    with pytest.raises(UsageError, match=r"clips need the extra video; pip install 'dicface\[video\]'"):
        restorer.restore_video(uneven, tmp_path / "out.mp4")
