"""Classical transform bases that the learned stems start from.

With days of training missing, a network that begins as a good linear transform is far ahead of one that
begins as noise. Source: the discrete cosine transform (Ahmed et al., 1974). (A lapped 16×16 start was slower to train.)
"""

import numpy as np
import numpy.typing as npt

Basis = npt.NDArray[np.float64]

LUMA_CHROMA: Basis = np.array([[1, 1, 1], [1, 0, -1], [-0.5, 1, -0.5]], dtype=np.float64) / np.sqrt(
    np.array([[3.0], [2.0], [1.5]])
)
"""Orthonormal 3×3 colour rotation of RGB: a luma row and two colour differences."""


def dct(size: int) -> Basis:
    """Return the orthonormal DCT-II, (size, size), one basis function a row, lowest frequency first."""
    frequency, position = np.meshgrid(np.arange(size), np.arange(size), indexing="ij")
    basis = np.cos(np.pi * (2 * position + 1) * frequency / (2 * size)) * np.sqrt(2 / size)
    basis[0] /= np.sqrt(2)
    return basis


def picture_basis(line: Basis) -> Basis:
    """Return the separable colour basis, (3·n², 3, m, m), of a line basis (n, m); luma first, zigzag within."""
    count, length = line.shape
    plane = np.einsum("ux,vy->uvxy", line, line).reshape(count * count, length, length)
    order = np.argsort(np.add.outer(np.arange(count), np.arange(count)).ravel(), kind="stable")
    return np.einsum("kc,nxy->kncxy", LUMA_CHROMA, plane[order]).reshape(-1, 3, length, length)


def haar_merge(channels: int) -> Basis:
    """Return the 2×2 Haar transform of every channel, (4·channels, channels, 2, 2): sums first, then details."""
    kinds = 0.5 * np.array([[[1, 1], [1, 1]], [[1, -1], [1, -1]], [[1, 1], [-1, -1]], [[1, -1], [-1, 1]]])
    return np.einsum("kxy,nc->kncxy", kinds, np.eye(channels)).reshape(-1, channels, 2, 2)
