"""One reading of a network: its steps as a graph, and what follows from them."""
