"""Checkpoints that other people wrote: read without trust, renamed strictly."""
