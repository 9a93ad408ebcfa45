"""From an image file to what a network reads."""
