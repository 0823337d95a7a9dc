"""The Fourier transforms that have kernels, small and large, against NumPy's in double."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import lamella_core as lc
from lamella_core.backends.numpy_blocks import LARGE
from lamella_core.ops.spectral import fft_c2c, fft_c2r, fft_r2c

RNG = np.random.default_rng(0)
SMALL = RNG.standard_normal((3, 4, 5))
ROWS = LARGE // 64 + 3
BIG = RNG.standard_normal((ROWS, 8, 9))

CASES = pytest.mark.parametrize(
    ("array", "dim"), [(SMALL, (1,)), (SMALL, (0, -1)), (BIG, (-1,)), (BIG, (2, 1))]
)
NORMS = pytest.mark.parametrize("norm", ["backward", "ortho", "forward"])
# The precision, the tolerance beside numbers of at most some hundreds.
KINDS = pytest.mark.parametrize(("kind", "close"), [("f8", 1e-11), ("f4", 2e-4)])


def tensor(array: np.ndarray, kind: str) -> lc.Tensor:
    if array.dtype.kind == "c":
        kind = "c16" if kind == "f8" else "c8"
    return lc.from_numpy(array.astype(kind))


def hold(got: lc.Tensor, expected: Any, real: bool, kind: str, close: float) -> None:
    dtypes = {"f8": (lc.complex128, lc.float64), "f4": (lc.complex64, lc.float32)}
    assert got.dtype is dtypes[kind][real]
    np.testing.assert_allclose(got.numpy(), expected, atol=close)


@CASES
@NORMS
@KINDS
@pytest.mark.parametrize("forward", [True, False])
def test_of_complex_numbers(
    array: np.ndarray, dim: tuple[int, ...], norm: str, kind: str, close: float, forward: bool
) -> None:
    array = array + 1j * array[::-1]
    expected = (np.fft.fftn if forward else np.fft.ifftn)(array, axes=dim, norm=norm)
    hold(fft_c2c(tensor(array, kind), dim, norm, forward), expected, False, kind, close)


@CASES
@NORMS
@KINDS
def test_of_real_numbers(
    array: np.ndarray, dim: tuple[int, ...], norm: str, kind: str, close: float
) -> None:
    expected = np.fft.rfftn(array, axes=dim, norm=norm)
    hold(fft_r2c(tensor(array, kind), dim, norm), expected, False, kind, close)
    if len(dim) == 1:
        whole = np.fft.fftn(array, axes=dim, norm=norm)
        hold(fft_r2c(tensor(array, kind), dim, norm, False), whole, False, kind, close)


@CASES
@NORMS
@KINDS
@pytest.mark.parametrize("odd", [False, True])
def test_to_real_numbers(
    array: np.ndarray, dim: tuple[int, ...], norm: str, kind: str, close: float, odd: bool
) -> None:
    array = array + 1j * array[::-1]
    size = 2 * (array.shape[dim[-1]] - 1) + odd
    sizes = [*(array.shape[each] for each in dim[:-1]), size]
    expected = np.fft.irfftn(array, sizes, axes=dim, norm=norm)
    hold(fft_c2r(tensor(array, kind), dim, norm, size), expected, True, kind, close)


def test_where_the_functions_are() -> None:
    for name in ("fft", "stft", "hann_window", "gradient", "trapz"):
        with pytest.raises(AttributeError, match="install lamella-signal"):
            getattr(lc, name)
