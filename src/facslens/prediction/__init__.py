"""From photographs to a table: what a network says of faces, and what its units say of AUs."""
