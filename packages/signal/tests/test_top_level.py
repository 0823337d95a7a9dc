"""Windows of the top level against NumPy's, and values of PyTorch 2.13."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

import lamella_core as lc
from lamella_signal import top_level

lc.load_backends()
pytest.importorskip("scipy")  # for the Bessel function of Kaiser's


@pytest.mark.parametrize("length", [0, 1, 2, 7, 8])
@pytest.mark.parametrize(
    ("window", "numpy_window"),
    [
        (top_level.hann_window, np.hanning),
        (top_level.hamming_window, np.hamming),
        (top_level.blackman_window, np.blackman),
        (top_level.bartlett_window, np.bartlett),
        (top_level.kaiser_window, lambda n: np.kaiser(n, 12.0)),
    ],
)
def test_symmetric_and_periodic(
    window: Callable[..., lc.Tensor], numpy_window: Callable[[int], np.ndarray], length: int
) -> None:
    got = window(length, False, dtype=lc.float64)
    np.testing.assert_allclose(got.numpy(), numpy_window(length), atol=1e-15)
    if length > 1:
        got = window(length, dtype=lc.float64)
        np.testing.assert_allclose(got.numpy(), numpy_window(length + 1)[:-1], atol=1e-15)


def test_parameters() -> None:
    got = top_level.hamming_window(4, True, 0.5, 0.25)
    np.testing.assert_allclose(got.numpy(), [0.25, 0.5, 0.75, 0.5])
    np.testing.assert_allclose(
        top_level.kaiser_window(5, False, 3.0).numpy(), np.kaiser(5, 3.0), 1e-6
    )


def test_types() -> None:
    assert top_level.hann_window(4).dtype is lc.float32
    assert top_level.hann_window(1, dtype=lc.bfloat16).tolist() == [1.0]
    with pytest.raises(RuntimeError):
        top_level.hann_window(4, dtype=lc.int64)
    with pytest.raises(NotImplementedError):
        top_level.hann_window(4, dtype=lc.complex64)
    with pytest.raises(RuntimeError):
        top_level.hann_window(-1)
    with pytest.raises(TypeError):
        top_level.hann_window(4.5)
    with pytest.raises(RuntimeError):
        top_level.hann_window(4, layout=lc.sparse_coo)


@pytest.mark.skipif("cuda" in lc.backends, reason="there is a CUDA device")
def test_page_locked_memory_needs_a_device() -> None:
    with pytest.raises(RuntimeError, match="needs CUDA"):
        top_level.hann_window(2, pin_memory=True)


def test_long_windows_are_the_formula_everywhere() -> None:
    places = np.arange(50_001)
    expected = 0.5 - 0.5 * np.cos(2 * np.pi * places / 50_001)
    made = top_level.hann_window(50_001, dtype=lc.float64).numpy()
    np.testing.assert_allclose(made, expected, rtol=0, atol=1e-15)
    np.testing.assert_allclose(
        top_level.kaiser_window(40_000, False, 8.0, dtype=lc.float64).numpy(),
        np.kaiser(40_000, 8.0),
        rtol=1e-12,
    )
