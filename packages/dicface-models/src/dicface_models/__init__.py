"""Weights and cards of dicface's large models: data alone, which `dicface` finds and checks."""
