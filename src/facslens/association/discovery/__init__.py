"""Which unit detects which action unit: tested on the subjects who choose the mapping."""
