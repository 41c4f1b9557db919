"""Restoring of clips: tracks of faces, steadiness over time, and the streams of a file."""
