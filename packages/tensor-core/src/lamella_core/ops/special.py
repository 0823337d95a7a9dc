"""Special functions. On the CPU they are SciPy's, which is imported when one first runs.

``torch.special``'s names for them are in :mod:`lamella_core.special`. Integers and bools become the
default floating type; complex tensors raise NotImplementedError.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from lamella_core.composite import composite
from lamella_core.conventions.alike import alike
from lamella_core.conventions.common import index_of
from lamella_core.conventions.pointwise import pointwise
from lamella_core.conventions.results import write_out
from lamella_core.declaration import call_inplace
from lamella_core.dtype import REDUCED_PRECISION
from lamella_core.ops.operators import add
from lamella_core.tensor import Tensor

if TYPE_CHECKING:
    from lamella_core.typing import Number


def _of_one(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """A function of one tensor."""


def _of_degree(input: Tensor | Number, n: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """A polynomial of degree ``n``; 0 for a negative degree."""


_functions = alike(
    _of_one,
    pointwise("float", refuses="complex", reduced_precision=False),
    {
        "erf": "The error function: ``2 / sqrt(pi)`` times the integral of ``exp(-t^2)`` from 0.",
        "erfc": "``1 - erf(input)``, exact for large arguments.",
        "erfinv": "The inverse of :func:`erf`; NaN outside -1 to 1.",
        "lgamma": "The logarithm of the absolute value of the gamma function.",
        "digamma": "The derivative of the logarithm of the gamma function.",
        "i0": "The modified Bessel function of the first kind of order 0.",
    },
)
(erf, erfc, erfinv, lgamma, digamma, i0) = _functions  # fmt: skip

_functions = alike(
    _of_one,
    pointwise("float", refuses="complex", reduced_precision=False, method=False, inplace=False),
    {
        "erfcx": "``exp(input^2) * erfc(input)``, without overflow.",
        "ndtr": "The standard normal distribution function.",
        "entr": "``-input * log(input)``, 0 at 0 and minus infinity below.",
        "i0e": "``exp(-|input|) * i0(input)``.",
        "i1": "The modified Bessel function of the first kind of order 1.",
        "i1e": "``exp(-|input|) * i1(input)``.",
        "bessel_j0": "The Bessel function of the first kind of order 0.",
        "bessel_j1": "The Bessel function of the first kind of order 1.",
        "bessel_y0": "The Bessel function of the second kind of order 0.",
        "bessel_y1": "The Bessel function of the second kind of order 1.",
        "modified_bessel_i0": "The modified Bessel function of the first kind of order 0.",
        "modified_bessel_i1": "The modified Bessel function of the first kind of order 1.",
        "modified_bessel_k0": "The modified Bessel function of the second kind of order 0.",
        "modified_bessel_k1": "The modified Bessel function of the second kind of order 1.",
        "scaled_modified_bessel_k0": "``exp(input) * modified_bessel_k0(input)``.",
        "scaled_modified_bessel_k1": "``exp(input) * modified_bessel_k1(input)``.",
        "spherical_bessel_j0": "``sin(input) / input``, 1 at 0.",
        "airy_ai": "The Airy function Ai.",
    },
)
(
    erfcx, ndtr, entr, i0e, i1, i1e, bessel_j0, bessel_j1, bessel_y0,
    bessel_y1, modified_bessel_i0, modified_bessel_i1, modified_bessel_k0, modified_bessel_k1,
    scaled_modified_bessel_k0, scaled_modified_bessel_k1, spherical_bessel_j0, airy_ai,
) = _functions  # fmt: skip

ndtri, log_ndtr = alike(
    _of_one,
    pointwise("float", refuses="complex float16 bfloat16", method=False, inplace=False),
    {
        "ndtri": "The inverse of :func:`ndtr`.",
        "log_ndtr": "The logarithm of :func:`ndtr`, exact in the lower tail.",
    },
)


def _of_two(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """A function of two tensors."""


igamma, igammac = alike(
    _of_two,
    pointwise(refuses="bool integer complex", reduced_precision=False),
    {
        "igamma": "The regularized lower incomplete gamma function P(``input``, ``other``).",
        "igammac": "The regularized upper incomplete gamma function Q(``input``, ``other``).",
    },
)


@pointwise("float", refuses="complex float16 bfloat16", method=False, inplace=False)
def zeta(input: Tensor | Number, other: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """Hurwitz' zeta function, the sum over k >= 0 of ``(k + other) ** -input``."""


@pointwise("float", refuses="complex", reduced_precision=False, method=False, inplace=False)
def xlog1py(input: Tensor | Number, other: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """``input * log1p(other)``, 0 where ``input`` is 0, and NaN where ``other`` is NaN."""


_polygamma = pointwise("float", refuses="complex", reduced_precision=False)(
    "polygamma(input: Tensor, n: int, out)"
)


@composite(method=False)
def polygamma(n: int, input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The ``n``-th derivative of :func:`digamma`, ``n`` being 0 or more.

    Raises:
        RuntimeError: for a negative ``n``.
    """
    return _polygamma(input, _order(n), out=out)


def _order(n: int) -> int:
    if n < 0:
        raise RuntimeError(f"polygamma(n, x) does not support negative n, got {n}.")
    return n


def _polygamma_method(self: Tensor, n: int) -> Tensor:
    return polygamma(n, self)


def _polygamma_method_(self: Tensor, n: int) -> Tensor:
    return call_inplace(_polygamma.op, self, _order(n))


Tensor.polygamma = _polygamma_method  # type: ignore[attr-defined]
Tensor.polygamma_ = _polygamma_method_  # type: ignore[attr-defined]


_mvlgamma = pointwise("float", refuses="complex")("mvlgamma(input: Tensor, p: int, out)")


@composite(inplace=True)
def mvlgamma(input: Tensor, p: int, *, out: Tensor | None = None) -> Tensor:
    """The logarithm of the multivariate gamma function of dimension ``p``.

    ``p (p - 1) / 4 * log(pi)`` plus the sum of ``lgamma(input - j / 2)`` for j from 0 to p - 1.

    Raises:
        RuntimeError: for bools, and when ``p`` is less than 1.
    """
    if input._dtype.category == 0:
        raise RuntimeError("The input tensor may not be a boolean tensor.")
    p = index_of(p, "p")
    if p < 1:
        raise RuntimeError(f"p has to be greater than or equal to 1, got {p}")
    if input._dtype not in REDUCED_PRECISION:
        return _mvlgamma(input, p, out=out)
    # Each part is rounded.
    total = lgamma(input)
    for j in range(1, p):
        total = total + lgamma(input - j / 2)
    total = add(total, p * (p - 1) / 4 * math.log(math.pi), out=out)
    return write_out("mvlgamma", total, None)


_functions = alike(
    _of_degree,
    pointwise("float", refuses="complex", reduced_precision=False, method=False, inplace=False),
    {
        "chebyshev_polynomial_t": "The Chebyshev polynomial of the first kind, T.",
        "chebyshev_polynomial_u": "The Chebyshev polynomial of the second kind, U.",
        "chebyshev_polynomial_v": "The Chebyshev polynomial of the third kind, V.",
        "chebyshev_polynomial_w": "The Chebyshev polynomial of the fourth kind, W.",
        "hermite_polynomial_h": "The physicists' Hermite polynomial, H.",
        "hermite_polynomial_he": "The probabilists' Hermite polynomial, He.",
        "laguerre_polynomial_l": "The Laguerre polynomial, L.",
        "legendre_polynomial_p": "The Legendre polynomial, P.",
        "shifted_chebyshev_polynomial_t": "The polynomial T of ``2 x - 1``.",
        "shifted_chebyshev_polynomial_u": "The polynomial U of ``2 x - 1``.",
        "shifted_chebyshev_polynomial_v": "The polynomial V of ``2 x - 1``.",
        "shifted_chebyshev_polynomial_w": "The polynomial W of ``2 x - 1``.",
    },
)
(
    chebyshev_polynomial_t, chebyshev_polynomial_u, chebyshev_polynomial_v,
    chebyshev_polynomial_w, hermite_polynomial_h, hermite_polynomial_he, laguerre_polynomial_l,
    legendre_polynomial_p, shifted_chebyshev_polynomial_t, shifted_chebyshev_polynomial_u,
    shifted_chebyshev_polynomial_v, shifted_chebyshev_polynomial_w,
) = _functions  # fmt: skip

__all__ = [
    "digamma", "erf", "erfc", "erfinv", "i0", "igamma", "igammac", "lgamma", "mvlgamma",
    "polygamma",
]  # fmt: skip
