"""Array kernels of the special functions, over a namespace with SciPy's names for them.

``scipy.special`` is that namespace on the CPU, ``cupyx.scipy.special`` on CUDA. Nothing is imported
before a kernel first runs.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from lamella_core.dispatch import register_kernel
from lamella_core.kernels.activation import gelu_tanh, gelu_tanh_backward

if TYPE_CHECKING:
    from collections.abc import Callable

_SAME_OPERANDS = {
    "erf": "erf",
    "erfc": "erfc",
    "erfcx": "erfcx",
    "digamma": "psi",
    "i0": "i0",
    "i0e": "i0e",
    "i1": "i1",
    "i1e": "i1e",
    "ndtr": "ndtr",
    "ndtri": "ndtri",
    "log_ndtr": "log_ndtr",
    "entr": "entr",
    "igamma": "gammainc",
    "igammac": "gammaincc",
    "zeta": "zeta",
    "xlog1py": "xlog1py",
    "bessel_j0": "j0",
    "bessel_j1": "j1",
    "bessel_y0": "y0",
    "bessel_y1": "y1",
    "modified_bessel_i0": "i0",
    "modified_bessel_i1": "i1",
    "modified_bessel_k0": "k0",
    "modified_bessel_k1": "k1",
    "scaled_modified_bessel_k0": "k0e",
    "scaled_modified_bessel_k1": "k1e",
}

_POLYNOMIALS = {
    "chebyshev_polynomial_t": "eval_chebyt",
    "chebyshev_polynomial_u": "eval_chebyu",
    "hermite_polynomial_h": "eval_hermite",
    "hermite_polynomial_he": "eval_hermitenorm",
    "laguerre_polynomial_l": "eval_laguerre",
    "legendre_polynomial_p": "eval_legendre",
}


def register_special_kernels(device_type: str, xp: Any, special: Callable[[], Any]) -> None:
    # Registers the kernels of all special functions for one backend.
    #
    # Args:
    #     device_type: the backend's.
    #     xp: its array namespace.
    #     special: returns the namespace of special functions; called when a kernel runs.
    def register(name: str, kernel: Callable[..., Any]) -> None:
        register_kernel(name, kernel, device_type)

    for op_name, name in _SAME_OPERANDS.items():
        register(op_name, _same_operands(special, name))
    for op_name, name in _POLYNOMIALS.items():
        register(op_name, _polynomial(xp, special, name))
        if "chebyshev" in op_name:
            register(f"shifted_{op_name}", _shifted(_polynomial(xp, special, name)))
    for op_name, sign in (("chebyshev_polynomial_v", -1), ("chebyshev_polynomial_w", 1)):
        kernel = _third_or_fourth_kind(xp, special, sign)
        register(op_name, kernel)
        register(f"shifted_{op_name}", _shifted(kernel))

    def polygamma(input: Any, n: int) -> Any:
        return _polygamma(xp, special(), input, n)

    def spherical_bessel_j0(input: Any) -> Any:
        near = xp.abs(input) < 1e-4
        safe = xp.where(near, 1, input)
        limit = xp.where(xp.isinf(input), 0, xp.sin(safe) / safe)
        return xp.where(near, 1 - input * input / 6, limit).astype(input.dtype, copy=False)

    def gelu(input: Any, approximate: str) -> Any:
        if approximate == "none":
            return gelu_exact(special(), input)
        return gelu_tanh(xp, input, approximate)

    def gelu_backward(grad: Any, input: Any, approximate: str) -> Any:
        if approximate == "none":
            return gelu_exact_backward(xp, special(), grad, input)
        return gelu_tanh_backward(xp, grad, input, approximate)

    def erfinv(input: Any) -> Any:
        # SciPy loses the sign of -0.0.
        result = special().erfinv(input)
        return xp.copysign(result, input, out=result if input.ndim else None)

    def lgamma(input: Any) -> Any:
        # SciPy has -inf at -inf.
        return special().gammaln(xp.where(input == -xp.inf, xp.inf, input))

    def mvlgamma(input: Any, p: int) -> Any:
        parts = [lgamma(input - j / 2) for j in range(p)]
        return sum(parts) + p * (p - 1) / 4 * math.log(math.pi)

    register("erfinv", erfinv)
    register("lgamma", lgamma)
    register("mvlgamma", mvlgamma)
    register("polygamma", polygamma)
    register("spherical_bessel_j0", spherical_bessel_j0)
    register("gelu", gelu)
    register("gelu_backward", gelu_backward)


def gelu_exact(special: Any, input: Any) -> Any:
    # ``x (1 + erf(x / sqrt(2))) / 2``.
    result = special.erf(input * math.sqrt(0.5))
    result += 1
    result *= 0.5
    result *= input
    return result


def gelu_exact_backward(xp: Any, special: Any, grad: Any, input: Any) -> Any:
    # The gradient of :func:`gelu_exact`.
    below = 0.5 * (1 + special.erf(input * math.sqrt(0.5)))
    density = xp.exp(-0.5 * input * input) * (1 / math.sqrt(2 * math.pi))
    return grad * (below + input * density)


def _same_operands(special: Callable[[], Any], name: str) -> Callable[..., Any]:
    def kernel(*operands: Any) -> Any:
        result = getattr(special(), name)(*operands)
        return result.astype(_type_of(operands), copy=False)

    return kernel


def _type_of(operands: tuple[Any, ...]) -> Any:
    return next(each.dtype for each in operands if hasattr(each, "dtype"))


def _polynomial(xp: Any, special: Callable[[], Any], name: str) -> Callable[[Any, Any], Any]:
    def kernel(input: Any, n: Any) -> Any:
        dtype = _type_of((input, n))
        degree = xp.asarray(n).astype("int64")
        value = getattr(special(), name)(xp.maximum(degree, 0), xp.asarray(input, "float64"))
        return xp.where(degree < 0, 0, value).astype(dtype)

    return kernel


def _third_or_fourth_kind(
    xp: Any, special: Callable[[], Any], sign: int
) -> Callable[[Any, Any], Any]:
    # ``V_n = U_n - U_(n-1)`` and ``W_n = U_n + U_(n-1)``.
    def kernel(input: Any, n: Any) -> Any:
        dtype = _type_of((input, n))
        degree = xp.asarray(n).astype("int64")
        x = xp.asarray(input, "float64")
        evaluate = special().eval_chebyu
        value = evaluate(xp.maximum(degree, 0), x)
        previous = xp.where(degree > 0, evaluate(xp.maximum(degree - 1, 0), x), 0)
        return xp.where(degree < 0, 0, value + sign * previous).astype(dtype)

    return kernel


def _shifted(kernel: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    return lambda input, n: kernel(2 * input - 1, n)


def _polygamma(xp: Any, special: Any, input: Any, n: int) -> Any:
    if n == 0:
        result = special.psi(input)
    elif n == 1:
        # Reflection: below 1/2 the series of zeta does not converge.
        low = input < 0.5
        above = special.zeta(2.0, xp.where(low, 1 - input, input))
        sine = xp.sin(xp.pi * input)
        result = xp.where(low, (xp.pi / sine) ** 2 - above, above)
    else:
        factor = math.factorial(n) if n < 171 else math.inf
        result = (-1) ** (n + 1) * factor * special.zeta(n + 1.0, input)
    return result.astype(input.dtype, copy=False)
