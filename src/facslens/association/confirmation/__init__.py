"""How well the chosen pairs do on subjects who had no part in the choice."""
