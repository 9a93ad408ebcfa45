"""A unit's response, projected back to pixels."""
