"""The explorer of a run and the live page, served to a browser on the same machine."""
