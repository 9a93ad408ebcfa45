"""Faces whose action units, and the places these move, are known exactly: a generator."""
