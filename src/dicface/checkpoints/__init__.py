"""Checkpoints that other people wrote: read without trust, renamed strictly or built by their own architecture."""
