"""The names of the 2024.12 standard."""

from __future__ import annotations

import math

import pytest

import lamella_array_api as xp

NAMES = {
    "constants": "e inf nan newaxis pi",
    "creation": """arange asarray empty empty_like eye from_dlpack full full_like linspace meshgrid
        ones ones_like tril triu zeros zeros_like""",
    "data type functions": "astype can_cast finfo iinfo isdtype result_type",
    "data types": """bool int8 int16 int32 int64 uint8 uint16 uint32 uint64 float32 float64
        complex64 complex128""",
    "element-wise": """abs acos acosh add asin asinh atan atan2 atanh bitwise_and
        bitwise_left_shift bitwise_invert bitwise_or bitwise_right_shift bitwise_xor ceil clip conj
        copysign cos cosh divide equal exp expm1 floor floor_divide greater greater_equal hypot imag
        isfinite isinf isnan less less_equal log log1p log2 log10 logaddexp logical_and logical_not
        logical_or logical_xor maximum minimum multiply negative nextafter not_equal positive pow
        real reciprocal remainder round sign signbit sin sinh square sqrt subtract tan tanh
        trunc""",
    "indexing": "take take_along_axis",
    "inspection": "__array_namespace_info__ __array_api_version__",
    "linear algebra": "matmul matrix_transpose tensordot vecdot",
    "manipulation": """broadcast_arrays broadcast_to concat expand_dims flip moveaxis permute_dims
        repeat reshape roll squeeze stack tile unstack""",
    "searching": "argmax argmin count_nonzero nonzero searchsorted where",
    "sets": "unique_all unique_counts unique_inverse unique_values",
    "sorting": "argsort sort",
    "statistics": "cumulative_prod cumulative_sum max mean min prod std sum var",
    "utilities": "all any diff",
    "extensions": "linalg fft",
}
LINALG = """cholesky cross det diagonal eigh eigvalsh inv matmul matrix_norm matrix_power
    matrix_rank matrix_transpose outer pinv qr slogdet solve svd svdvals tensordot trace vecdot
    vector_norm"""
FFT = """fft ifft fftn ifftn rfft irfft rfftn irfftn hfft ihfft fftfreq rfftfreq fftshift
    ifftshift"""


@pytest.mark.parametrize("section", NAMES)
def test_every_name_is_there(section: str) -> None:
    assert [name for name in NAMES[section].split() if not hasattr(xp, name)] == []


def test_every_name_of_the_extensions_is_there() -> None:
    assert [name for name in LINALG.split() if not hasattr(xp.linalg, name)] == []
    assert [name for name in FFT.split() if not hasattr(xp.fft, name)] == []


def test_constants() -> None:
    assert (xp.e, xp.pi, xp.inf, xp.newaxis) == (math.e, math.pi, math.inf, None)
    assert math.isnan(xp.nan)


def test_attributes_of_arrays() -> None:
    x = xp.ones((2, 3))
    assert (x.shape, x.ndim, x.dtype) == ((2, 3), 2, xp.float32)
    assert x.T.shape == x.mT.shape == (3, 2)
    assert x.to_device(x.device) is x
    assert float(xp.sum(x)) == 6.0 and int(xp.asarray(3)) == 3 and bool(xp.asarray(True))
