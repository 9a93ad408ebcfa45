"""The stages of a run: each reads the run folder and leaves its files there."""
