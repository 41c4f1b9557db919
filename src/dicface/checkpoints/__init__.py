"""Checkpoints: ours, and conversion of the authors' and mmagic's, read without executing anything in them."""
