"""Which unit tells which action unit: tested on the subjects who choose the mapping."""
