"""Matrices (out, in) over the rows or columns of a map, for the step `Separable`."""

import torch
from torch import Tensor


def average(size: int, kernel: int, stride: int, padding: int) -> Tensor:
    """Means of windows; what was padded counts as 0."""
    count = (size + 2 * padding - kernel) // stride + 1
    matrix = torch.zeros(count, size, dtype=torch.float64)
    for out in range(count):
        first = out * stride - padding
        matrix[out, max(first, 0) : min(first + kernel, size)] = 1 / kernel
    return matrix


def adaptive(size: int, count: int) -> Tensor:
    """Means of `count` windows that cover everything, each from floor to ceiling."""
    matrix = torch.zeros(count, size, dtype=torch.float64)
    for out in range(count):
        first, last = out * size // count, -(-(out + 1) * size // count)
        matrix[out, first:last] = 1 / (last - first)
    return matrix


def padded(size: int, before: int, after: int) -> Tensor:
    """Zeros before and after."""
    matrix = torch.zeros(before + size + after, size, dtype=torch.float64)
    matrix[before : before + size] = torch.eye(size, dtype=torch.float64)
    return matrix


def padded_as_needed(size: int, kernel: int, stride: int) -> Tensor:
    """Zeros so that a convolution gives ⌈size / stride⌉ values, the odd one after."""
    missing = max((-(-size // stride) - 1) * stride + kernel - size, 0)
    return padded(size, missing // 2, missing - missing // 2)


def average_of_known(size: int, kernel: int, stride: int, padding: int) -> Tensor:
    """Means of windows; what was padded does not count."""
    matrix = average(size, kernel, stride, padding)
    return matrix / matrix.sum(1, keepdim=True)


def nearest(size: int, factor: int) -> Tensor:
    """Each value `factor` times."""
    return torch.eye(size, dtype=torch.float64).repeat_interleave(factor, dim=0)


def bilinear(size: int, factor: int) -> Tensor:
    """Values between centres, in proportion; the outermost beyond them."""
    matrix = torch.zeros(size * factor, size, dtype=torch.float64)
    for out in range(size * factor):
        centre = min(max((out + 0.5) / factor - 0.5, 0.0), size - 1.0)
        below = min(int(centre), size - 2)
        matrix[out, below] = 1 - (centre - below)
        matrix[out, below + 1] = centre - below
    return matrix


def picked(size: int, places: list[int]) -> Tensor:
    """Values at some places, which may come more than once."""
    return torch.eye(size, dtype=torch.float64)[places]
