"""The stages of a run: each reads the run's folder and writes its files there."""
