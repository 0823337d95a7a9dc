"""Creation against NumPy."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

import lamella_array_api as xp
import lamella_core as lc

Agree = Callable[..., None]


def test_ranges(agree: Agree) -> None:
    for arguments in ((5,), (2, 7), (2, 7, 2), (7, 2, -2), (2, 7, -1), (7, 2), (0,), (3, 3)):
        agree(lambda xp, _, a=arguments: xp.arange(*a))
        agree(lambda xp, _, a=arguments: xp.arange(*a, dtype=xp.float64))
    for num, endpoint in ((5, True), (5, False), (1, True), (1, False), (0, True), (0, False)):
        agree(lambda xp, _, n=num, e=endpoint: xp.linspace(
            -1.0, 2.0, n, dtype=xp.float64, endpoint=e))  # fmt: skip
        agree(lambda xp, _, n=num: xp.linspace(0, 1j, n, dtype=xp.complex128))


def test_filled(agree: Agree) -> None:
    for shape in (3, (), (2, 3), (0, 2)):
        agree(lambda xp, _, s=shape: xp.zeros(shape=s, dtype=xp.int32))
        agree(lambda xp, _, s=shape: xp.ones(s, dtype=xp.complex64))
        agree(lambda xp, _, s=shape: xp.full(s, 7))
        agree(lambda xp, _, s=shape: xp.full(s, True))
        agree(lambda xp, _, s=shape: xp.full(s, 1.5, dtype=xp.float32))
        assert xp.empty(shape=shape, dtype=xp.int8).shape == np.empty(shape).shape
    for name in ("zeros_like", "ones_like"):
        agree(lambda xp, a, n=name: getattr(xp, n)(a([[1, 2]])))
        agree(lambda xp, a, n=name: getattr(xp, n)(a([[1, 2]]), dtype=xp.float32))
    agree(lambda xp, a: xp.full_like(a([1.0, 2.0]), 3))
    assert xp.empty_like(xp.ones((2, 3))).shape == (2, 3)


def test_matrices(agree: Agree) -> None:
    for arguments in ((3,), (3, 2), (2, 4), (0, 2)):
        for k in (-4, -1, 0, 1, 2, 5):
            agree(lambda xp, _, a=arguments, k=k: xp.eye(*a, k=k, dtype=xp.float64))
    square = np.arange(24.0).reshape(2, 3, 4)
    for k in (-3, -1, 0, 2, 4):
        agree(lambda xp, a, k=k: xp.tril(a(square), k=k))
        agree(lambda xp, a, k=k: xp.triu(a(square), k=k))
    for indexing in ("xy", "ij"):
        agree(lambda xp, a, i=indexing: list(
            xp.meshgrid(a([1, 2]), a([3, 4, 5]), a([6]), indexing=i)))  # fmt: skip


def test_asarray(agree: Agree) -> None:
    for value in (1, True, [1, 2], [[1, 2], [3, 4]], []):
        agree(lambda xp, _, v=value: xp.asarray(v, dtype=xp.int64))
    source = np.arange(3.0)
    shared = xp.asarray(source)
    shared[0] = 9
    assert source[0] == 9
    assert xp.asarray(shared) is shared or xp.asarray(shared).data_ptr() == shared.data_ptr()
    copied = xp.asarray(source, copy=True)
    copied[0] = 1
    assert source[0] == 9
    with pytest.raises(ValueError):
        xp.asarray(source, dtype=xp.int64, copy=False)
    np.testing.assert_array_equal(xp.asarray(source[::-1]).numpy(), source[::-1])
    np.testing.assert_array_equal(xp.from_dlpack(np.ones(3)).numpy(), np.ones(3))
    assert isinstance(xp.asarray(1.5), lc.Tensor) and xp.asarray(1.5).dtype is xp.float32
