"""Twelve architectures as people write them, each with a description of its own."""
