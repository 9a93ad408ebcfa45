"""The networks, and how to find the units of any network."""
