"""A second, independent derivation of projections and maps, to hold the product against.

Nothing here but `compare` imports facslens. A network is described by hand, step by step, beside
the module as people write it; every step brings its own way forward and its own way down.
"""
