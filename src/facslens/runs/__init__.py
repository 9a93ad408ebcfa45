"""The owner of a run: its folder, its settings, its files, read with their hashes checked."""
