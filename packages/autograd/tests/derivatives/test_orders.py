"""First and second derivatives of the ops, real and complex, against central differences."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import lamella_core as lc
from lamella_autograd import gradcheck, gradgradcheck
from lamella_core import linalg, special
from lamella_core.ops.linalg import linear
from lamella_core.ops.spectral import fft_c2c, fft_c2r, fft_r2c

RNG = np.random.default_rng(3)
# Away from the kinks of these functions, of both signs and of size below 1.
MIXED = RNG.uniform(0.1, 0.9, (3, 3)) * np.where(RNG.random((3, 3)) < 0.5, -1, 1)
POSITIVE = RNG.uniform(0.2, 0.8, (3, 3))
LARGE = POSITIVE + 1.5
OTHER = RNG.uniform(0.3, 0.9, (1, 3))
COMPLEX = MIXED + 1j * POSITIVE
OTHER_COMPLEX = OTHER + 0.4j
WITH_ZEROS = np.where(np.eye(3, dtype=bool), 0, MIXED)
WITH_ZERO = np.where(np.arange(9).reshape(3, 3) == 4, 0, MIXED)
SPD = MIXED @ MIXED.T + np.eye(3)
TALL = RNG.standard_normal((4, 2))
TALL_COMPLEX = TALL + 1j * RNG.standard_normal((4, 2))


def method(name: str, *arguments: Any) -> Callable[..., Any]:
    return lambda x, *rest: getattr(x, name)(*rest, *arguments)


REAL_AND_COMPLEX = """abs sgn exp expm1 log log2 log10 log1p sqrt rsqrt reciprocal square sin cos
    tan sinh cosh tanh asin acos atan asinh atanh sigmoid sinc exp2 neg angle""".split()

CASES: dict[str, tuple[Callable[..., Any], tuple[np.ndarray, ...]]] = {
    **{f"{name}, real": (method(name), (POSITIVE,)) for name in REAL_AND_COMPLEX},
    **{f"{name}, complex": (method(name), (COMPLEX,)) for name in REAL_AND_COMPLEX},
    "acosh, real": (lc.acosh, (LARGE,)),
    "acosh, complex": (lc.acosh, (COMPLEX,)),
    "tanh of a difference": (lambda x, y: lc.tanh(x - y) * x, (COMPLEX, OTHER_COMPLEX)),
    "add": (lambda x, y: (x + y) * x, (MIXED, OTHER)),
    "mul, complex by real": (lc.mul, (COMPLEX, OTHER)),
    "div": (lc.div, (MIXED, OTHER)),
    "div, complex": (lc.div, (COMPLEX, OTHER_COMPLEX)),
    "pow": (lc.pow, (POSITIVE, OTHER)),
    "pow, complex": (lc.pow, (COMPLEX, OTHER_COMPLEX)),
    "pow of a number": (lambda x: lc.pow(2.5, x), (MIXED,)),
    "pow to a number": (lambda x: x**3, (COMPLEX,)),
    "atan2": (lc.atan2, (MIXED, OTHER)),
    "hypot": (lc.hypot, (MIXED, OTHER)),
    "logaddexp": (lc.logaddexp, (MIXED, OTHER)),
    "xlogy": (lc.xlogy, (POSITIVE, OTHER)),
    "xlogy, the first broadcast": (lc.xlogy, (OTHER, POSITIVE)),
    "xlog1py": (special.xlog1py, (OTHER, POSITIVE)),
    "lerp": (lc.lerp, (MIXED, POSITIVE, OTHER)),
    "addcmul": (lambda x, y, z: lc.addcmul(x, y, z, value=2), (COMPLEX, OTHER_COMPLEX, COMPLEX)),
    "addcdiv": (lambda x, y, z: lc.addcdiv(x, y, z, value=2), (MIXED, OTHER, POSITIVE)),
    "maximum": (lambda x, y: lc.maximum(x, y) ** 2, (MIXED, OTHER)),
    "clamp": (lambda x: x.clamp(-0.5, 0.5) ** 2, (MIXED,)),
    "erf": (lc.erf, (MIXED,)),
    "erfinv": (lc.erfinv, (MIXED,)),
    "lgamma": (lc.lgamma, (POSITIVE,)),
    "i0": (lc.i0, (MIXED,)),
    "i1": (special.i1, (WITH_ZERO,)),
    "i1e": (special.i1e, (MIXED,)),
    "ndtri": (special.ndtri, (POSITIVE,)),
    "logit": (lc.logit, (POSITIVE,)),
    "softmax": (lambda x: lc.softmax(x, 1), (MIXED,)),
    "log_softmax": (lambda x: lc.log_softmax(x, 0), (MIXED,)),
    "relu": (lambda x: lc.relu(x) ** 3, (MIXED,)),
    "sum": (lambda x: x.sum(1) ** 2, (COMPLEX,)),
    "mean": (lambda x: x.mean(0, keepdim=True) ** 2, (COMPLEX,)),
    "var": (lambda x: x.var(1), (MIXED,)),
    "var, complex": (lambda x: x.var(1), (COMPLEX,)),
    "std": (lambda x: x.std(0), (MIXED,)),
    "prod": (lambda x: x.prod(1), (COMPLEX,)),
    "prod with zeros": (lambda x: x.prod(1), (WITH_ZEROS,)),
    "prod of all with a zero": (lc.prod, (WITH_ZERO,)),
    "cumprod": (lambda x: x.cumprod(1), (COMPLEX,)),
    "cumprod with zeros": (lambda x: x.cumprod(0), (WITH_ZEROS,)),
    "cumsum": (lambda x: x.cumsum(1) ** 2, (COMPLEX,)),
    "logcumsumexp": (lambda x: lc.logcumsumexp(x, 1), (MIXED,)),
    "logsumexp": (lambda x: lc.logsumexp(x, 1), (MIXED,)),
    "amax": (lambda x: x.amax(1) ** 2, (MIXED,)),
    "norm": (lambda x: linalg.vector_norm(x, 2, 1), (COMPLEX,)),
    "norm 3": (lambda x: linalg.vector_norm(x, 3), (MIXED,)),
    "nuclear norm": (lambda x: lc.norm(x, "nuc"), (MIXED,)),
    "nuclear norm, tall": (lambda x: lc.norm(x, "nuc"), (TALL,)),
    "nuclear norm, wide": (lambda x: lc.norm(x, "nuc"), (TALL.T.copy(),)),
    "nuclear norm, complex": (lambda x: lc.norm(x, "nuc"), (TALL_COMPLEX,)),
    "matmul": (lc.matmul, (COMPLEX, COMPLEX.T.copy())),
    "matmul of a vector": (lambda x, y: x @ y[0], (COMPLEX, OTHER_COMPLEX)),
    "linear": (linear, (MIXED, MIXED)),
    "inv": (linalg.inv, (SPD,)),
    "inv, complex": (linalg.inv, (COMPLEX,)),
    "solve": (linalg.solve, (COMPLEX, COMPLEX.T.copy())),
    "det": (linalg.det, (COMPLEX,)),
    "slogdet": (lambda x: linalg.slogdet(x)[1], (SPD,)),
    "cholesky": (lambda x: linalg.cholesky(x + x.mH + 2 * lc.eye(3)), (COMPLEX,)),
    "qr": (lambda x: linalg.qr(x), (TALL,)),
    "eigvalsh": (lambda x: linalg.eigvalsh(x + x.mH), (COMPLEX,)),
    "eigh": (lambda x: linalg.eigh(x + x.mT)[0] ** 2, (MIXED,)),
    "eigvals": (lambda x: linalg.eigvals(x).abs(), (MIXED,)),
    "svdvals": (linalg.svdvals, (TALL_COMPLEX,)),
    "pinv": (linalg.pinv, (TALL,)),
    "lstsq": (lambda x, y: linalg.lstsq(x, y)[0], (TALL, TALL)),
    "matrix_exp": (linalg.matrix_exp, (COMPLEX,)),
    "lu": (lambda x: linalg.lu(x)[1:], (MIXED,)),
    "gather": (lambda x: x.gather(1, lc.tensor([[0, 0], [2, 1], [1, 1]])) ** 2, (COMPLEX,)),
    "index_put": (lambda x, y: x.index_put((lc.tensor([0, 2]),), y[0] ** 2), (MIXED, OTHER)),
    "scatter_add": (
        lambda x, y: x.scatter_add(0, lc.tensor([[0, 1, 1]]), y**2),
        (MIXED, OTHER),
    ),
    "scatter_reduce": (
        lambda x, y: x.scatter_reduce(0, lc.tensor([[0, 1, 1]]), y, "prod"),
        (MIXED, OTHER),
    ),
    "as_strided": (lambda x: x.as_strided((2, 2), (1, 3), 1) ** 2, (COMPLEX,)),
    "diagonal": (lambda x: x.diagonal(1) ** 2, (COMPLEX,)),
    "unfold": (lambda x: x.unfold(1, 2, 1) ** 2, (COMPLEX,)),
    "view_as_real": (lambda x: lc.view_as_real(x) ** 2, (COMPLEX,)),
    "view_as_complex": (lambda x: lc.view_as_complex(x[:, :2].contiguous()) ** 2, (MIXED,)),
    "polar": (lc.polar, (POSITIVE, MIXED)),
    "ldexp": (lc.ldexp, (MIXED, OTHER)),
    "mvlgamma": (lambda x: lc.mvlgamma(x + 3, 3), (POSITIVE,)),
    "fft_c2c": (lambda x: fft_c2c(x, (1,), "backward", True) ** 2, (COMPLEX,)),
    "fft_r2c": (lambda x: fft_r2c(x, (1,), "backward") ** 2, (MIXED,)),
    "fft_c2r": (lambda x: fft_c2r(x, (1,), "backward", 4) ** 2, (COMPLEX,)),
}

NEED_SCIPY = frozenset("xlog1py erf erfinv lgamma i0 i1 i1e ndtri lstsq lu mvlgamma".split())


@pytest.mark.parametrize("name", CASES)
def test_first_and_second_derivative(name: str) -> None:
    if name in NEED_SCIPY:
        pytest.importorskip("scipy")
    function, arrays = CASES[name]
    inputs = [lc.from_numpy(array.copy()).requires_grad_() for array in arrays]
    assert gradcheck(function, inputs)
    assert gradgradcheck(function, inputs, fast_mode=True)
