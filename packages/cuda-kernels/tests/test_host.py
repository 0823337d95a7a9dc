"""Kernels that go by way of the host, over NumPy, against what they are defined by."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import lamella_core as lc
from lamella_cuda_kernels import host


@pytest.fixture
def on_the_host(monkeypatch: pytest.MonkeyPatch) -> dict:
    pytest.importorskip("scipy")

    class Namespace:
        ndarray, asarray = np.ndarray, staticmethod(np.asarray)
        asnumpy = staticmethod(np.array)

    kernels: dict = {}

    def register(name: str, kernel: Callable[..., Any], backend: str) -> None:
        kernels[name] = kernel

    monkeypatch.setattr(host, "register_kernel", register)
    host.register(Namespace)
    return kernels


def test_ldl_solves_an_indefinite_system(on_the_host: dict) -> None:
    root = np.random.default_rng(0).normal(size=(2, 4, 4))
    A = root + root.swapaxes(-1, -2)
    B = root[..., :2]
    packed, pivots, info = on_the_host["linalg_ldl_factor_ex"](A, False)
    assert info.tolist() == [0, 0]
    found = on_the_host["linalg_ldl_solve"](packed, pivots, B, False)
    np.testing.assert_allclose(A @ found, B, atol=1e-10)


def test_airy_function_at_zero(on_the_host: dict) -> None:
    # Ai(0) = 3^(-2/3) / Gamma(2/3) (DLMF 9.2.3).
    found = on_the_host["airy_ai"](np.zeros(1))
    np.testing.assert_allclose(found, [0.355028053887817239], rtol=1e-15)


def test_what_goes_by_the_host_is_there_on_the_cpu() -> None:
    assert set(host.NAMES) <= set(lc.backends["cpu"].kernels)
