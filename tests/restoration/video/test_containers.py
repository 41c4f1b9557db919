"""What each container holds: codecs, times, sizes, the mark, and the streams beside the video."""

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from dicface import ClipError, Restorer
from dicface.images.clips import CodecName
from dicface.restoration.video.comment import stated_clip_digest
from dicface.restoration.video.reading import Clip
from dicface.restoration.video.writing import set_decoding_times
from tests.support.clips import UNEVEN_MS, frames_of, moving_face, stamps_of, write_clip

GREY = np.full((48, 64, 3), 128, np.uint8)


@pytest.fixture(scope="module")
def restorer() -> Restorer:
    return Restorer(backend="onnxruntime", threads=1)


def codec_of(path: Path) -> str:
    with av.open(str(path)) as container:
        return container.streams.video[0].codec_context.codec.canonical_name


@pytest.mark.parametrize(
    ("suffix", "codec", "expected"),
    [
        (".mp4", None, "h264"),
        (".mov", None, "h264"),
        (".mkv", "h265", "hevc"),
        (".webm", None, "vp9"),
        (".m4v", "h265", "hevc"),
        pytest.param(".mkv", None, "h264", marks=pytest.mark.slow),
        pytest.param(".webm", "av1", "av1", marks=pytest.mark.slow),
    ],
)
def test_codec_times_and_mark_in_each_container(
    restorer: Restorer, tmp_path: Path, suffix: str, codec: Any, expected: str
) -> None:
    source = write_clip(tmp_path / "a.mp4", [GREY] * len(UNEVEN_MS), UNEVEN_MS)
    result = restorer.restore_video(source, tmp_path / f"out{suffix}", codec=codec)
    assert codec_of(result.target) == expected
    assert stamps_of(result.target) == [Fraction(stamp, 1000) for stamp in UNEVEN_MS]
    assert stated_clip_digest(result.target) == result.provenance.settings_sha256 != ""
    with Clip(result.target) as clip:
        colours = clip.facts.colours
    assert (colours.matrix, colours.is_full_range) == (1, False)


@pytest.mark.parametrize("codec", ["h264", "h265"])
@pytest.mark.parametrize("count", [1, 2, 3])
def test_the_shortest_clips_have_sensible_decoding_times(
    restorer: Restorer, portrait: np.ndarray, tmp_path: Path, count: int, codec: CodecName
) -> None:
    clip = write_clip(tmp_path / "clip.mp4", moving_face(portrait, count))
    restorer.restore_video(clip, tmp_path / "out.mp4", codec=codec)
    with av.open(str(tmp_path / "out.mp4")) as container:
        packets: list[Any] = [packet for packet in container.demux(video=0) if packet.size]
    assert len(packets) == count
    assert all(0 <= packet.pts - packet.dts <= 200 for packet in packets)


def test_decoding_times_do_not_depend_on_those_of_the_encoder() -> None:
    packets = [av.Packet(b"frame") for _ in range(4)]
    for packet, pts in zip(packets, (30, 233, 110, 100), strict=True):
        packet.pts, packet.dts = pts, pts - 4 * 10**18  # as x265 leaves them
    set_decoding_times(packets)
    assert [packet.dts for packet in packets] == [-50, 20, 30, 100], "those of x265 for more frames"
    set_decoding_times([])


@pytest.mark.slow
def test_a_larger_factor_gives_a_smaller_file(restorer: Restorer, portrait: np.ndarray, tmp_path: Path) -> None:
    source = write_clip(tmp_path / "a.mkv", moving_face(portrait, 2))
    sizes = [
        restorer.restore_video(source, tmp_path / f"{crf}.mkv", crf=crf, faces=[]).target.stat().st_size
        for crf in (10, 40)
    ]
    assert sizes[1] < sizes[0] / 2


def test_frames_are_enlarged_when_asked_for(restorer: Restorer, tmp_path: Path) -> None:
    source = write_clip(tmp_path / "a.mp4", [GREY] * 2)
    result = restorer.restore_video(source, tmp_path / "out.mp4", scale=1.5)
    assert result.size == (96, 72)
    assert [frame.shape for frame in frames_of(result.target)] == [(72, 96, 3)] * 2


@pytest.mark.parametrize(("transfer", "name"), [(16, "PQ"), (18, "HLG")])
def test_every_kind_of_hdr_is_refused(restorer: Restorer, tmp_path: Path, transfer: int, name: str) -> None:
    source = write_clip(tmp_path / "a.mp4", [GREY] * 2, transfer=transfer)
    with pytest.raises(ClipError, match=rf"got HDR \({name}\)"):
        restorer.restore_video(source, tmp_path / "out.mp4")


def test_a_clip_in_rgb_becomes_one_that_does_not_say_rgb(restorer: Restorer, tmp_path: Path) -> None:
    """Screens are recorded in it. A matrix of RGB beside luma and chroma gives wrong colours in players."""
    frame = GREY.copy()
    frame[:, :32] = (30, 160, 90)
    source = write_clip(tmp_path / "a.mkv", [frame] * 2, codec="libx264rgb", pixel_format="rgb24", matrix=0)
    with av.open(str(source)) as container:
        assert next(container.decode(video=0)).colorspace == 0
    result = restorer.restore_video(source, tmp_path / "out.mp4")
    with av.open(str(result.target)) as container:
        assert next(container.decode(video=0)).colorspace == 2
    assert np.abs(frames_of(result.target)[0][4:44, 4:28].astype(int) - (30, 160, 90)).mean() < 3


def test_a_very_high_rate_is_read(restorer: Restorer, tmp_path: Path) -> None:
    """Files may state any rate; searches and fades go by 1000 frames a second at most."""
    with av.open(str(tmp_path / "a.mkv"), "w") as container:
        video: Any = container.add_stream("libx264", rate=2000)
        video.height, video.width, video.pix_fmt = 48, 64, "yuv420p"
        container.mux([*video.encode(av.VideoFrame.from_ndarray(GREY)), *video.encode(None)])
    assert restorer.restore_video(tmp_path / "a.mkv", tmp_path / "out.mp4").rate == 1000


def other_streams(path: Path) -> list[tuple[str, str, int, list[tuple[bytes, Fraction, Fraction]]]]:
    """Kind, language, disposition, and packets with time and length in seconds, of all streams but the video."""
    with av.open(str(path)) as container:
        streams = [stream for stream in container.streams if stream.type != "video"]
        packets: dict[int, list[tuple[bytes, Fraction, Fraction]]] = {stream.index: [] for stream in streams}
        for packet in container.demux(streams):
            if packet.size and packet.pts is not None:
                stamp, length = packet.pts * packet.time_base, (packet.duration or 0) * packet.time_base
                packets[packet.stream.index].append((bytes(packet), stamp, length))
        return [
            (each.type, each.metadata.get("language", ""), int(each.disposition), packets[each.index])
            for each in streams
        ]


def test_two_sounds_and_subtitles_keep_their_packets_and_times(restorer: Restorer, tmp_path: Path) -> None:
    source = tmp_path / "a.mkv"
    with av.open(str(source), "w") as container:
        video: Any = container.add_stream("libx264", rate=25)
        video.height, video.width, video.pix_fmt = 48, 64, "yuv420p"
        sounds: list[Any] = [container.add_stream("flac", rate=48000, layout="mono") for _ in range(2)]
        text = container.add_mux_stream("subrip")
        for stream, language in zip((*sounds, text), ("deu", "eng", "fra"), strict=True):
            stream.metadata["language"] = language
        chapters: list[Any] = [
            {"id": number, "start": 40 * number, "end": 40 * number + 40, "time_base": Fraction(1, 1000)}
            | {"metadata": {"title": title}}
            for number, title in enumerate(("one", "two"))
        ]
        container.set_chapters(chapters)
        for _ in range(3):
            container.mux(video.encode(av.VideoFrame.from_ndarray(GREY)))
        for number, sound in enumerate(sounds):
            samples = (np.sin(np.arange(4608) / (9 + number)) * 9000).astype(np.int16)[None]
            frame = av.AudioFrame.from_ndarray(samples, format="s16", layout="mono")
            frame.sample_rate, frame.pts, frame.time_base = 48000, 0, Fraction(1, 48000)
            container.mux([*sound.encode(frame), *sound.encode(None)])
        container.mux(video.encode(None))
        for number in range(2):
            said = av.Packet(f"line {number}".encode())
            said.stream, said.time_base, said.duration = text, Fraction(1, 1000), 35
            said.pts = said.dts = 41 * number
            container.mux(said)
    result = restorer.restore_video(source, tmp_path / "out.mkv")
    before = other_streams(source)
    assert [(kind, language, len(packets) > 1) for kind, language, _, packets in before] == [
        ("audio", "deu", False),
        ("audio", "eng", False),
        ("subtitle", "fra", True),
    ]
    assert other_streams(result.target) == before
    with av.open(str(source)) as one, av.open(str(result.target)) as other:
        assert [chapter["metadata"]["title"] for chapter in other.chapters()] == ["one", "two"]
        assert [
            [chapter[end] * (chapter["time_base"] or 0) for chapter in each.chapters()]
            for each in (one, other)
            for end in ("start", "end")
        ] == [[0, Fraction(1, 25)], [Fraction(1, 25), Fraction(2, 25)]] * 2
