"""``torch.signal.windows`` against NumPy's windows and SciPy's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import lamella_core as lc
from lamella_signal import windows

CASES: list[tuple[str, dict[str, Any], tuple[Any, ...]]] = [
    ("bartlett", {}, ()),
    ("blackman", {}, ()),
    ("cosine", {}, ()),
    ("exponential", {"tau": 2.5}, (None, 2.5)),
    ("gaussian", {"std": 1.5}, (1.5,)),
    ("general_cosine", {"a": [0.4, 0.3, 0.2, 0.1]}, ([0.4, 0.3, 0.2, 0.1],)),
    ("general_hamming", {"alpha": 0.6}, (0.6,)),
    ("hamming", {}, ()),
    ("hann", {}, ()),
    ("kaiser", {"beta": 5.0}, (5.0,)),
    ("nuttall", {}, ()),
]


@pytest.mark.parametrize("M", [0, 1, 2, 9, 10])
@pytest.mark.parametrize(
    ("name", "reference"),
    [
        ("bartlett", np.bartlett),
        ("blackman", np.blackman),
        ("hamming", np.hamming),
        ("hann", np.hanning),
    ],
)
def test_symmetric_windows(
    name: str, reference: Callable[[int], np.ndarray[Any, Any]], M: int
) -> None:
    got = getattr(windows, name)(M, dtype=lc.float64)
    np.testing.assert_allclose(got.numpy(), reference(M), atol=1e-14)


@pytest.mark.parametrize("M", [0, 1, 2, 9, 10])
@pytest.mark.parametrize("sym", [True, False])
@pytest.mark.parametrize(("name", "arguments", "scipy_arguments"), CASES)
def test_values(
    name: str, arguments: dict[str, Any], scipy_arguments: tuple[Any, ...], sym: bool, M: int
) -> None:
    expected = pytest.importorskip("scipy.signal.windows")
    got = getattr(windows, name)(M, sym=sym, dtype=lc.float64, **arguments)
    wanted = getattr(expected, name)(M, *scipy_arguments, sym=sym)
    np.testing.assert_allclose(got.numpy(), wanted, atol=1e-14)


def test_center() -> None:
    got = windows.exponential(6, center=1, tau=2.0, sym=False, dtype=lc.float64)
    np.testing.assert_allclose(got.numpy(), np.exp(-abs(np.arange(6) - 1) / 2))


def test_refused_arguments() -> None:
    with pytest.raises(ValueError, match="non-negative window length"):
        windows.hann(-1)
    with pytest.raises(ValueError, match="float32 or float64"):
        windows.hann(4, dtype=lc.float16)
    with pytest.raises(ValueError, match="strided"):
        windows.hann(4, layout=lc.sparse_coo)
    with pytest.raises(ValueError, match="positive"):
        windows.gaussian(4, std=0)
    with pytest.raises(ValueError, match="positive"):
        windows.exponential(4, tau=-1)
    with pytest.raises(ValueError, match="Center"):
        windows.exponential(4, center=1)
    with pytest.raises(ValueError, match="non-negative"):
        windows.kaiser(4, beta=-1)
    with pytest.raises(ValueError, match="empty"):
        windows.general_cosine(4, a=[])
    with pytest.raises(TypeError):
        windows.general_cosine(4, a=3)
    with pytest.raises(TypeError):
        windows.general_cosine(4, a=[0.5, "a"])
