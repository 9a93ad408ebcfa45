"""Whether the mapping is found again: in other folds, and in trainings with other seeds."""
