"""Special functions. On the CPU they are SciPy's, which is imported when one first runs.

``torch.special``'s names for them are in :mod:`lamella_core.special`. Integers and bools become the
default floating type; complex tensors raise NotImplementedError.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from lamella_core.composite import composite
from lamella_core.conventions.pointwise import pointwise
from lamella_core.ops.operators import add
from lamella_core.tensor import Tensor

if TYPE_CHECKING:
    from lamella_core.typing import Number


@pointwise("float", refuses="complex", reduced_precision=False)
def erf(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The error function: ``2 / sqrt(pi)`` times the integral of ``exp(-t^2)``, 0 to ``input``."""


@pointwise("float", refuses="complex", reduced_precision=False)
def erfc(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """``1 - erf(input)``, exact for large arguments."""


@pointwise("float", refuses="complex", reduced_precision=False)
def erfinv(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The inverse of :func:`erf`; NaN outside -1 to 1."""


@pointwise("float", refuses="complex", reduced_precision=False)
def lgamma(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The logarithm of the absolute value of the gamma function."""


@pointwise("float", refuses="complex", reduced_precision=False)
def digamma(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The derivative of the logarithm of the gamma function."""


@pointwise("float", refuses="complex", reduced_precision=False)
def i0(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The modified Bessel function of the first kind of order 0."""


@pointwise("float", refuses="complex", reduced_precision=False, method=False, inplace=False)
def erfcx(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """``exp(input^2) * erfc(input)``, without overflow."""


@pointwise("float", refuses="complex", reduced_precision=False, method=False, inplace=False)
def ndtr(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The standard normal distribution function."""


@pointwise("float", refuses="complex", reduced_precision=False, method=False, inplace=False)
def ndtri(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The inverse of :func:`ndtr`."""


@pointwise("float", refuses="complex", reduced_precision=False, method=False, inplace=False)
def log_ndtr(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The logarithm of :func:`ndtr`, exact in the lower tail."""


@pointwise("float", refuses="complex", reduced_precision=False, method=False, inplace=False)
def entr(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """``-input * log(input)``, 0 at 0 and minus infinity below."""


@pointwise("float", refuses="complex", reduced_precision=False, method=False, inplace=False)
def i0e(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """``exp(-|input|) * i0(input)``."""


@pointwise("float", refuses="complex", reduced_precision=False, method=False, inplace=False)
def i1(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The modified Bessel function of the first kind of order 1."""


@pointwise("float", refuses="complex", reduced_precision=False, method=False, inplace=False)
def i1e(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """``exp(-|input|) * i1(input)``."""


@pointwise("float", refuses="complex", reduced_precision=False, method=False, inplace=False)
def bessel_j0(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The Bessel function of the first kind of order 0."""


@pointwise("float", refuses="complex", reduced_precision=False, method=False, inplace=False)
def bessel_j1(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The Bessel function of the first kind of order 1."""


@pointwise("float", refuses="complex", reduced_precision=False, method=False, inplace=False)
def bessel_y0(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The Bessel function of the second kind of order 0."""


@pointwise("float", refuses="complex", reduced_precision=False, method=False, inplace=False)
def bessel_y1(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The Bessel function of the second kind of order 1."""


@pointwise("float", refuses="complex", reduced_precision=False, method=False, inplace=False)
def modified_bessel_i0(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The modified Bessel function of the first kind of order 0."""


@pointwise("float", refuses="complex", reduced_precision=False, method=False, inplace=False)
def modified_bessel_i1(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The modified Bessel function of the first kind of order 1."""


@pointwise("float", refuses="complex", reduced_precision=False, method=False, inplace=False)
def modified_bessel_k0(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The modified Bessel function of the second kind of order 0."""


@pointwise("float", refuses="complex", reduced_precision=False, method=False, inplace=False)
def modified_bessel_k1(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The modified Bessel function of the second kind of order 1."""


@pointwise("float", refuses="complex", reduced_precision=False, method=False, inplace=False)
def scaled_modified_bessel_k0(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """``exp(input) * modified_bessel_k0(input)``."""


@pointwise("float", refuses="complex", reduced_precision=False, method=False, inplace=False)
def scaled_modified_bessel_k1(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """``exp(input) * modified_bessel_k1(input)``."""


@pointwise("float", refuses="complex", reduced_precision=False, method=False, inplace=False)
def spherical_bessel_j0(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """``sin(input) / input``, 1 at 0."""


@pointwise("float", refuses="complex", reduced_precision=False, method=False, inplace=False)
def airy_ai(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The Airy function Ai."""


@pointwise("float", refuses="complex", reduced_precision=False)
def igamma(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The regularized lower incomplete gamma function P(``input``, ``other``)."""


@pointwise("float", refuses="complex", reduced_precision=False)
def igammac(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The regularized upper incomplete gamma function Q(``input``, ``other``)."""


@pointwise("float", refuses="complex", reduced_precision=False, method=False, inplace=False)
def zeta(input: Tensor | Number, other: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """Hurwitz' zeta function, the sum over k >= 0 of ``(k + other) ** -input``."""


@pointwise("float", refuses="complex", reduced_precision=False, method=False, inplace=False)
def xlog1py(input: Tensor | Number, other: Tensor | Number, *, out: Tensor | None = None) -> Tensor:
    """``input * log1p(other)``, 0 where ``input`` is 0, and NaN where ``other`` is NaN."""


@pointwise(
    "float",
    name="polygamma",
    refuses="complex",
    reduced_precision=False,
    method=False,
)
def _polygamma(input: Tensor, n: int, *, out: Tensor | None = None) -> Tensor:
    """The n-th derivative of digamma."""


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
    return self._polygamma_(_order(n))


Tensor.polygamma = _polygamma_method  # type: ignore[attr-defined]
Tensor.polygamma_ = _polygamma_method_  # type: ignore[attr-defined]


@composite(inplace=True)
def mvlgamma(input: Tensor, p: int, *, out: Tensor | None = None) -> Tensor:
    """The logarithm of the multivariate gamma function of dimension ``p``.

    ``p (p - 1) / 4 * log(pi)`` plus the sum of ``lgamma(input - j / 2)`` for j from 0 to p - 1.

    Raises:
        RuntimeError: for bools, and when ``p`` is less than 1.
    """
    if input._dtype.category == 0:
        raise RuntimeError("The input tensor may not be a boolean tensor.")
    if p < 1:
        raise RuntimeError(f"p has to be greater than or equal to 1, got {p}")
    total = lgamma(input)
    for j in range(1, p):
        total = total + lgamma(input - j / 2)
    return add(total, p * (p - 1) / 4 * math.log(math.pi), out=out)


@pointwise("float", refuses="complex", reduced_precision=False, method=False, inplace=False)
def chebyshev_polynomial_t(
    input: Tensor | Number, n: Tensor | Number, *, out: Tensor | None = None
) -> Tensor:
    """The Chebyshev polynomial of the first kind, T, of degree ``n``; 0 for a negative degree."""


@pointwise("float", refuses="complex", reduced_precision=False, method=False, inplace=False)
def chebyshev_polynomial_u(
    input: Tensor | Number, n: Tensor | Number, *, out: Tensor | None = None
) -> Tensor:
    """The Chebyshev polynomial of the second kind, U, of degree ``n``; 0 for a negative degree."""


@pointwise("float", refuses="complex", reduced_precision=False, method=False, inplace=False)
def chebyshev_polynomial_v(
    input: Tensor | Number, n: Tensor | Number, *, out: Tensor | None = None
) -> Tensor:
    """The Chebyshev polynomial of the third kind, V, of degree ``n``; 0 for a negative degree."""


@pointwise("float", refuses="complex", reduced_precision=False, method=False, inplace=False)
def chebyshev_polynomial_w(
    input: Tensor | Number, n: Tensor | Number, *, out: Tensor | None = None
) -> Tensor:
    """The Chebyshev polynomial of the fourth kind, W, of degree ``n``; 0 for a negative degree."""


@pointwise("float", refuses="complex", reduced_precision=False, method=False, inplace=False)
def hermite_polynomial_h(
    input: Tensor | Number, n: Tensor | Number, *, out: Tensor | None = None
) -> Tensor:
    """The physicists' Hermite polynomial, H, of degree ``n``; 0 for a negative degree."""


@pointwise("float", refuses="complex", reduced_precision=False, method=False, inplace=False)
def hermite_polynomial_he(
    input: Tensor | Number, n: Tensor | Number, *, out: Tensor | None = None
) -> Tensor:
    """The probabilists' Hermite polynomial, He, of degree ``n``; 0 for a negative degree."""


@pointwise("float", refuses="complex", reduced_precision=False, method=False, inplace=False)
def laguerre_polynomial_l(
    input: Tensor | Number, n: Tensor | Number, *, out: Tensor | None = None
) -> Tensor:
    """The Laguerre polynomial, L, of degree ``n``; 0 for a negative degree."""


@pointwise("float", refuses="complex", reduced_precision=False, method=False, inplace=False)
def legendre_polynomial_p(
    input: Tensor | Number, n: Tensor | Number, *, out: Tensor | None = None
) -> Tensor:
    """The Legendre polynomial, P, of degree ``n``; 0 for a negative degree."""


@pointwise("float", refuses="complex", reduced_precision=False, method=False, inplace=False)
def shifted_chebyshev_polynomial_t(
    input: Tensor | Number, n: Tensor | Number, *, out: Tensor | None = None
) -> Tensor:
    """The shifted Chebyshev polynomial of the first kind, ``T(2 x - 1)``, of degree ``n``.

    It is 0 for a negative degree.
    """


@pointwise("float", refuses="complex", reduced_precision=False, method=False, inplace=False)
def shifted_chebyshev_polynomial_u(
    input: Tensor | Number, n: Tensor | Number, *, out: Tensor | None = None
) -> Tensor:
    """The shifted Chebyshev polynomial of the second kind, ``U(2 x - 1)``, of degree ``n``.

    It is 0 for a negative degree.
    """


@pointwise("float", refuses="complex", reduced_precision=False, method=False, inplace=False)
def shifted_chebyshev_polynomial_v(
    input: Tensor | Number, n: Tensor | Number, *, out: Tensor | None = None
) -> Tensor:
    """The shifted Chebyshev polynomial of the third kind, ``V(2 x - 1)``, of degree ``n``.

    It is 0 for a negative degree.
    """


@pointwise("float", refuses="complex", reduced_precision=False, method=False, inplace=False)
def shifted_chebyshev_polynomial_w(
    input: Tensor | Number, n: Tensor | Number, *, out: Tensor | None = None
) -> Tensor:
    """The shifted Chebyshev polynomial of the fourth kind, ``W(2 x - 1)``, of degree ``n``.

    It is 0 for a negative degree.
    """


__all__ = [
    "digamma",
    "erf",
    "erfc",
    "erfinv",
    "i0",
    "igamma",
    "igammac",
    "lgamma",
    "mvlgamma",
    "polygamma",
]
