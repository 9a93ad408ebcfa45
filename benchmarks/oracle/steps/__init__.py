"""The steps a network is described by: each with its way forward and its own way down."""
