"""What a mapping is held against: the same rule on responses that should not do as well.

Each control gives `Units`: a number for every face and every candidate, whatever the candidates
are. `champions` chooses among them as the mapping does, and `compare_champions` measures what
the trained network is ahead by, on people whom neither has seen.
"""
