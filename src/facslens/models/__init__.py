"""Networks, and how to find the units inside them."""
