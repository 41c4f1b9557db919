"""Programs that call dicface."""
