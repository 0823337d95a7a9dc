"""Fourier transforms against NumPy's, and what PyTorch 2.13 raises."""

from __future__ import annotations

import tracemalloc
from typing import Any

import numpy as np
import pytest

import lamella_core as lc
from lamella_signal import fft

RNG = np.random.default_rng(0)
REAL = RNG.standard_normal((3, 4, 5))
COMPLEX = REAL + 1j * RNG.standard_normal((3, 4, 5))
NORMS = [None, "backward", "ortho", "forward"]


def tensor(array: np.ndarray) -> lc.Tensor:
    return lc.from_numpy(array.copy())


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("n", [None, 3, 4, 8])
@pytest.mark.parametrize("name", ["fft", "ifft", "irfft", "hfft"])
def test_one_dimension_of_complex_elements(name: str, n: int | None, norm: str | None) -> None:
    for dim in (-1, 0):
        got = getattr(fft, name)(tensor(COMPLEX), n, dim, norm)
        np.testing.assert_allclose(got.numpy(), getattr(np.fft, name)(COMPLEX, n, dim, norm))


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("n", [None, 3, 4, 8])
@pytest.mark.parametrize("name", ["fft", "ifft", "rfft", "ihfft"])
def test_one_dimension_of_real_elements(name: str, n: int | None, norm: str | None) -> None:
    got = getattr(fft, name)(tensor(REAL), n, 1, norm)
    np.testing.assert_allclose(got.numpy(), getattr(np.fft, name)(REAL, n, 1, norm), atol=1e-12)


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize(("s", "dim"), [(None, (0, 2)), ((2, 7), (1, 2)), ((4, 4), (-1, 0))])
def test_several_dimensions(
    s: tuple[int, ...] | None, dim: tuple[int, ...], norm: str | None
) -> None:
    for name in ("fftn", "ifftn", "irfftn", "fft2", "irfft2"):
        got = getattr(fft, name)(tensor(COMPLEX), s, dim, norm)
        expected = getattr(np.fft, name)(COMPLEX, s, dim, norm)
        np.testing.assert_allclose(got.numpy(), expected, atol=1e-12)
    for name in ("rfftn", "rfft2"):
        got = getattr(fft, name)(tensor(REAL), s, dim, norm)
        np.testing.assert_allclose(
            got.numpy(), getattr(np.fft, name)(REAL, s, dim, norm), atol=1e-12
        )


@pytest.mark.parametrize("norm", NORMS)
def test_hermitian_transforms_of_several_dimensions(norm: str | None) -> None:
    x = tensor(COMPLEX)
    by_steps = fft.hfft(fft.fft(x, None, 0, norm), None, 1, norm)
    np.testing.assert_allclose(fft.hfftn(x, None, (0, 1), norm).numpy(), by_steps.numpy())
    x = tensor(REAL)
    by_steps = fft.ifft(fft.ihfft(x, None, 1, norm), None, 0, norm)
    np.testing.assert_allclose(fft.ihfftn(x, None, (0, 1), norm).numpy(), by_steps.numpy())
    np.testing.assert_allclose(fft.ihfft2(x, norm=norm), fft.ihfftn(x, None, (-2, -1), norm))
    spectrum = fft.ihfft2(x, norm=norm)
    np.testing.assert_allclose(fft.hfft2(spectrum, (4, 5), norm=norm).numpy(), REAL)


def test_all_dimensions_by_default() -> None:
    np.testing.assert_allclose(fft.fftn(tensor(COMPLEX)).numpy(), np.fft.fftn(COMPLEX))
    got = fft.fftn(tensor(COMPLEX), (2, -1))
    np.testing.assert_allclose(got.numpy(), np.fft.fftn(COMPLEX, (2, 5), (1, 2)))
    assert fft.fftn(lc.tensor(2.0)).tolist() == 2.0
    assert fft.fftn(lc.tensor([2.0]), dim=()).dtype is lc.complex64


def test_types() -> None:
    assert fft.fft(lc.ones(3)).dtype is lc.complex64
    assert fft.fft(lc.ones(3, dtype=lc.float64)).dtype is lc.complex128
    assert fft.fft(lc.tensor([1, 2])).dtype is lc.complex64
    assert fft.irfft(lc.tensor([True, True])).dtype is lc.float32
    assert fft.rfft(lc.ones(3), 4).shape == (3,)
    for narrow in (lc.float16, lc.bfloat16):
        with pytest.raises(RuntimeError, match="Unsupported dtype"):
            fft.fft(lc.ones(3, dtype=narrow))


def test_out() -> None:
    x = lc.tensor([1.0, 2.0, 3.0])
    out = lc.empty(0, dtype=lc.complex128)
    assert fft.fft(x, out=out) is out
    assert out.shape == (3,)
    np.testing.assert_allclose(out.numpy(), np.fft.fft([1, 2, 3]), rtol=1e-6)
    with pytest.raises(RuntimeError, match="complex output"):
        fft.rfft(x, out=lc.empty(0))
    with pytest.raises(RuntimeError, match="floating point output"):
        fft.irfft(x, out=lc.empty(0, dtype=lc.complex64))


@pytest.mark.parametrize(
    ("name", "arguments", "error"),
    [
        ("fft", {"n": 0}, RuntimeError),
        ("fft", {"norm": "none"}, RuntimeError),
        ("fft", {"dim": 3}, IndexError),
        ("fft", {"n": 2.0}, TypeError),
        ("fftn", {"s": (1, 1, 1, 1)}, RuntimeError),
        ("fftn", {"s": (2,), "dim": (0, 1)}, RuntimeError),
        ("fftn", {"dim": (0, 0)}, RuntimeError),
        ("fftn", {"s": (0, 3)}, RuntimeError),
        ("rfftn", {"dim": ()}, RuntimeError),
        ("irfftn", {"dim": ()}, RuntimeError),
        ("irfft", {"n": 0}, RuntimeError),
    ],
)
def test_refused_arguments(name: str, arguments: dict[str, Any], error: type) -> None:
    with pytest.raises(error):
        getattr(fft, name)(tensor(REAL), **arguments)


def test_numpys_name_of_dim() -> None:
    np.testing.assert_allclose(fft.fft(tensor(REAL), axis=0).numpy(), np.fft.fft(REAL, axis=0))


def test_refused_inputs() -> None:
    with pytest.raises(IndexError):
        fft.fft(lc.tensor(1.0))
    with pytest.raises(TypeError):
        fft.fft([1.0])
    for name in ("rfft", "ihfft", "rfftn", "ihfftn"):
        with pytest.raises(RuntimeError, match="real input"):
            getattr(fft, name)(tensor(COMPLEX))
    with pytest.raises(RuntimeError, match="data points"):
        fft.irfft(lc.ones(2, 1))


@pytest.mark.parametrize("n", [1, 2, 5, 8])
def test_frequencies(n: int) -> None:
    np.testing.assert_allclose(fft.fftfreq(n, 0.5).numpy(), np.fft.fftfreq(n, 0.5))
    got = fft.rfftfreq(n, 3.0, dtype=lc.float64)
    assert got.dtype is lc.float64
    np.testing.assert_allclose(got.numpy(), np.fft.rfftfreq(n, 3.0))


def test_frequencies_of_other_types() -> None:
    with pytest.raises(RuntimeError):
        fft.fftfreq(4, dtype=lc.int64)
    with pytest.raises(RuntimeError):
        fft.fftfreq(-1)
    out = lc.empty(0, dtype=lc.float64)
    assert fft.fftfreq(4, out=out) is out
    assert out.tolist() == [0.0, 0.25, -0.5, -0.25]


@pytest.mark.parametrize("name", ["fftfreq", "rfftfreq"])
def test_frequencies_need_no_memory_beside_out(name: str) -> None:
    expected = getattr(np.fft, name)(400_001, 0.5)
    for out in (lc.zeros(len(expected)), lc.zeros(len(expected), 2)[:, 1]):
        getattr(fft, name)(400_001, 0.5, out=out)
        tracemalloc.start()
        getattr(fft, name)(400_001, 0.5, out=out)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        np.testing.assert_allclose(out.numpy(), expected, rtol=1e-6)
        assert peak < 700_000


@pytest.mark.parametrize("dim", [None, 1, (0, 2)])
def test_shifts(dim: Any) -> None:
    np.testing.assert_array_equal(fft.fftshift(tensor(REAL), dim), np.fft.fftshift(REAL, dim))
    np.testing.assert_array_equal(fft.ifftshift(tensor(REAL), dim), np.fft.ifftshift(REAL, dim))


def test_real_input_in_one_dimension():
    """The transforms of real numbers have a way of their own; NumPy's values."""
    x = np.random.default_rng(0).standard_normal((3, 5)).astype(np.float32)
    for name in ("fft", "ifft"):
        for norm in ("backward", "ortho", "forward"):
            got = getattr(fft, name)(lc.tensor(x), dim=0, norm=norm)
            assert got.dtype is lc.complex64
            expected = getattr(np.fft, name)(x, axis=0, norm=norm)
            np.testing.assert_allclose(got.numpy(), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("wrong", [True, np.True_, 1.0])
def test_a_bool_is_no_length_or_dimension(wrong: Any) -> None:
    x = lc.ones(2, 2)
    for call in (
        lambda: fft.fft(x, wrong),
        lambda: fft.rfft(x, dim=wrong),
        lambda: fft.fft2(x, (wrong, 1)),
        lambda: fft.fftshift(x, wrong),
        lambda: fft.fftfreq(wrong),
    ):
        with pytest.raises(TypeError):
            call()


def test_spectra_are_conjugated_in_their_own_memory() -> None:
    x = lc.rand(1000, 500)
    for transform in (fft.ifft, fft.ihfft):
        room = transform(x).numpy().nbytes
        tracemalloc.start()
        transform(x)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak - room < 1e6


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("size", [4, 1 << 18])
def test_infinity_is_silent(size: int) -> None:
    x = lc.ones(size)
    x[1:3] = float("inf")
    x[3] = -float("inf")
    for transformed in (fft.fft(x, norm="ortho"), fft.rfft(x), fft.ifft(fft.fft(x)), fft.irfft(x)):
        assert not transformed.isfinite().all()
