"""How far a unit tells an action unit: distances, tests and the mapping."""
