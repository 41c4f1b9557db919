"""Checkpoints: ours, loaded strictly; other people's, read without executing anything and renamed strictly."""
