"""One file for each dataset layout, all giving the same Faces table."""
