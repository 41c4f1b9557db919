"""The comment of a restored clip, which states its provenance: what made it, and with which settings."""

import re
from fractions import Fraction
from pathlib import Path

import av
from av.error import FFmpegError

from dicface.images.xmp import Provenance
from dicface.restoration.video.writing import muxer_of
from dicface.version import __version__

_UNFINISHED = re.compile(r"settings [0-9a-f]{64},")
_SETTINGS = re.compile(r"dicface .*settings ([0-9a-f]{64})")


def comment_of(provenance: Provenance) -> str:
    """The comment that states the provenance of a result.

    Args:
        provenance: of the result.
    """
    return (
        f"faces restored by a neural network: dicface {__version__}, model {provenance.model} "
        f"{provenance.model_sha256}, settings {provenance.settings_sha256}, {provenance.source_type}"
    )


def without_settings(path: Path) -> None:
    """Copy a clip, so that its comment states no settings: a result that ends early is not taken for a whole one."""
    copy = path.with_name(f"{path.stem}-copy{path.suffix}")
    with av.open(str(path)) as source:
        time_base = source.streams.video[0].time_base or Fraction(1, 1000)
        options = {"video_track_timescale": str(time_base.denominator)} if time_base.numerator == 1 else {}
        is_matroska = path.suffix.lower() in (".mkv", ".webm")
        with av.open(str(copy), "w", format=muxer_of(copy), container_options={} if is_matroska else options) as target:
            kept = [stream for stream in source.streams if stream.type != "data"]
            streams = {stream.index: target.add_stream_from_template(stream, opaque=True) for stream in kept}
            for stream in kept:
                streams[stream.index].metadata.update(stream.metadata)
                streams[stream.index].disposition = stream.disposition
            said = source.metadata.items()
            target.metadata.update({name: _UNFINISHED.sub("stopped early,", text) for name, text in said})
            target.set_chapters(source.chapters())
            for packet in source.demux(kept):
                if packet.size:
                    packet.stream = streams[packet.stream.index]
                    target.mux(packet)
    copy.replace(path)


def stated_clip_digest(path: Path) -> str:
    """The digest of the settings that a clip states in its comment; empty if it states none."""
    try:
        with av.open(str(path), "r", metadata_errors="replace") as container:
            said = {name.lower(): text for name, text in container.metadata.items()}
    except (FFmpegError, ValueError):
        return ""
    found = _SETTINGS.search(said.get("comment", ""))
    return found[1] if found else ""
