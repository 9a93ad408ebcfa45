"""From the action unit through the units to the expression."""
