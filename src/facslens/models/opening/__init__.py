"""Open a network that was trained elsewhere: exactly, or not at all."""
