"""Activation functions on CUDA against their formulas; skipped where there is no GPU."""

import math

import numpy as np
import pytest

import lamella_core as lc

cupy = pytest.importorskip("cupy", reason="CuPy is not installed (extras cuda12, cuda13)")

lc.load_backends()
if "cuda" not in lc.backends:
    pytest.skip("CuPy sees no CUDA device", allow_module_level=True)

DTYPES = {"f4": lc.float32, "f8": lc.float64, "f2": lc.float16, "bfloat16": lc.bfloat16}
CLOSE = {"f4": 1e-5, "f8": 1e-12, "f2": 2e-3, "bfloat16": 2e-2}


def _forms(x: np.ndarray) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Values and slopes; those of gelu by the error function of Python."""
    erf = np.vectorize(math.erf)
    s = 1 / (1 + np.exp(-x))
    normal = 0.5 * (1 + erf(x / math.sqrt(2)))
    half = np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))
    inner = math.sqrt(2 / math.pi) * (1 + 3 * 0.044715 * x**2)
    return {
        "silu": (x * s, s * (1 + x * (1 - s))),
        "none": (x * normal, normal + x * np.exp(-(x**2) / 2) / math.sqrt(2 * math.pi)),
        "tanh": (0.5 * x * (1 + half), 0.5 * (1 + half) + 0.5 * x * (1 - half**2) * inner),
    }


@pytest.mark.parametrize("dtype", CLOSE)
@pytest.mark.parametrize("name", ["silu", "none", "tanh"])
def test_values_and_slopes(name: str, dtype: str) -> None:
    x = lc.linspace(-6, 6, 999, dtype=lc.float64).to(DTYPES[dtype])
    value, slope = _forms(x.double().numpy())[name]
    rest = {} if name == "silu" else {"approximate": name}
    op = "silu" if name == "silu" else "gelu"
    close = 4 * CLOSE[dtype]
    found = lc.dispatch.ops[op].function(x.cuda(), **rest)
    assert found.dtype is x.dtype
    np.testing.assert_allclose(found.cpu().double().numpy(), value, close, close)
    grad = lc.full_like(x, 2.0).cuda()
    found = lc.dispatch.ops[f"{op}_backward"].function(grad, x.cuda(), **rest)
    np.testing.assert_allclose(found.cpu().double().numpy(), 2 * slope, close, close)


def test_the_order_in_memory_stays() -> None:
    x = lc.randn(3, 4, 5).cuda().permute(2, 0, 1)
    found = lc.dispatch.ops["silu"].function(x)
    assert found.stride() == x.stride()
    np.testing.assert_allclose(
        found.cpu().numpy(), _forms(x.cpu().numpy())["silu"][0], rtol=1e-5, atol=1e-6
    )
    # Every second element, and one for all.
    for strided in (lc.arange(10.0).cuda()[::2], lc.ones(1).cuda().expand(7)):
        np.testing.assert_allclose(
            lc.dispatch.ops["silu"].function(strided).cpu().numpy(),
            _forms(strided.cpu().numpy())["silu"][0],
            rtol=1e-6,
        )
