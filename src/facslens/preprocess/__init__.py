"""Turn image files into the input of a network."""
