"""Whether the mapping returns: in other folds, and with other seeds."""
