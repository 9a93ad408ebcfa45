"""Controls: what a mapping is compared with, chosen and measured by the same rule.

Each control gives `Units`: a number for every face and every candidate, such as a unit of an
untrained network or a pixel. `champions` chooses among the candidates as the mapping does, and
`compare_champions` measures by how much the trained network exceeds them on unseen people.
"""
