"""Directions at right angles to each other, drawn at random."""

import numpy as np
from jaxtyping import Float


def random_rotation(size: int, seed: int) -> Float[np.ndarray, "{size} {size}"]:
    """Draw an orthogonal matrix from the uniform (Haar) distribution.

    Notes
    -----
    Q of the QR decomposition of a Gaussian matrix, with the signs of R's diagonal
    [mezzadri2007]_.

    Examples
    --------
    >>> q = random_rotation(4, seed=0)
    >>> bool(np.allclose(q @ q.T, np.eye(4)))
    True
    """
    q, r = np.linalg.qr(np.random.default_rng(seed).standard_normal((size, size)))
    rotation: Float[np.ndarray, "{size} {size}"] = q * np.sign(np.diag(r))
    return rotation
