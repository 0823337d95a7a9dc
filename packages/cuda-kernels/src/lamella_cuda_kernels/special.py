"""The special functions on CUDA: CuPy's counterpart of ``scipy.special``, and polynomials."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lamella_core.kernels.special import register_special_kernels

if TYPE_CHECKING:
    from collections.abc import Callable

# Each polynomial's degree 1, and the next degree from k, x, degree k and degree k - 1
# (Abramowitz and Stegun, table 22.7).
_RECURRENCES: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
    "eval_chebyt": (lambda x: x, lambda k, x, p, q: 2 * x * p - q),
    "eval_chebyu": (lambda x: 2 * x, lambda k, x, p, q: 2 * x * p - q),
    "eval_hermite": (lambda x: 2 * x, lambda k, x, p, q: 2 * x * p - 2 * k * q),
    "eval_hermitenorm": (lambda x: x, lambda k, x, p, q: x * p - k * q),
    "eval_laguerre": (
        lambda x: 1 - x,
        lambda k, x, p, q: ((2 * k + 1 - x) * p - k * q) / (k + 1),
    ),
    "eval_legendre": (lambda x: x, lambda k, x, p, q: ((2 * k + 1) * x * p - k * q) / (k + 1)),
}


class Special:
    """The namespace of special functions that the shared kernels are written over."""

    def __init__(self, xp: Any, special: Any) -> None:
        self._xp = xp
        self._special = special

    def __getattr__(self, name: str) -> Any:
        if name not in _RECURRENCES:
            return getattr(self._special, name)
        first, following = _RECURRENCES[name]

        def evaluate(n: Any, x: Any) -> Any:
            n, x = self._xp.broadcast_arrays(n, x)
            before, value = self._xp.ones(x.shape, x.dtype), first(x)
            result = self._xp.where(n == 0, before, value)
            for k in range(1, int(n.max()) if n.size else 0):
                before, value = value, following(k, x, value, before)
                result = self._xp.where(n == k + 1, value, result)
            return result

        return evaluate


def register(xp: Any) -> None:
    """Registers the kernels over the backend's namespace."""

    def special() -> Special:
        import cupyx.scipy.special

        return Special(xp, cupyx.scipy.special)

    register_special_kernels("cuda", xp, special)
