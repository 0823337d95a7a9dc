"""CuPy's namespace, with what the shared kernels use of NumPy's and CuPy's own lacks.

CuPy has the running and the combining form of few functions (``maximum.accumulate``,
``multiply.at``), knows repeated places for few element types, gives float32 for bfloat16 in
``where``, and lets failed factorizations pass in silence.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

FORKED = (
    "Cannot re-initialize CUDA in forked subprocess. To use CUDA with multiprocessing, you must "
    "use the 'spawn' start method"
)

# What the GPU combines atomically: integers of 32 and 64 bits, single and double precision.
_ATOMIC = "iIlLqQfd"


class Function:
    """A function of CuPy with the forms and element types that NumPy's counterpart has.

    Args:
        xp: CuPy.
        ufunc: its function.
        reduction: stands for ``reduce``, where CuPy's function has none.
        doubles: whether ``accumulate`` is put together here, where CuPy's function has none.
        atomic: the function of CuPy that stands for ``at`` on an integer or real number.
    """

    def __init__(
        self,
        xp: Any,
        ufunc: Any,
        *,
        reduction: Any = None,
        doubles: bool = False,
        atomic: Any = None,
    ) -> None:
        self._xp = xp
        self._ufunc = ufunc
        self._reduction = reduction
        self._doubles = doubles
        self._atomic = atomic

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._ufunc(*args, **kwargs)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._ufunc, name)

    def reduce(
        self, array: Any, axis: Any = 0, dtype: Any = None, out: Any = None, keepdims: bool = False
    ) -> Any:
        if self._reduction is None:
            return self._ufunc.reduce(array, axis, dtype, out, keepdims)
        return self._reduction(array, axis, out, keepdims)

    def accumulate(self, array: Any, axis: int = 0, dtype: Any = None, out: Any = None) -> Any:
        """By doubling: after k steps each element joins the last ``2**k`` (Hillis, Steele 1986)."""
        if not self._doubles:
            return self._ufunc.accumulate(array, axis, dtype, out)
        result = self._xp.moveaxis(array, axis, 0).copy()
        step = 1
        while step < len(result):
            result[step:] = self._ufunc(result[:-step], result[step:])
            step *= 2
        result = self._xp.moveaxis(result, 0, axis)
        if out is None:
            return result
        out[...] = result
        return out

    def at(self, array: Any, place: Any, values: Any) -> None:
        kind = array.dtype.kind
        if self._atomic is None:
            self._in_turns(array, place, values)
        elif kind == "c":
            values = self._xp.asarray(values, array.dtype)
            self._atomic.at(array.real, place, values.real)
            self._atomic.at(array.imag, place, values.imag)
        elif array.dtype.char in _ATOMIC:
            self._atomic.at(array, place, values)
        else:
            wide = array.astype("int32" if kind in "iub" else "float32")
            self._atomic.at(wide, place, self._xp.asarray(values).astype(wide.dtype))
            array[...] = wide.astype(array.dtype)

    def _in_turns(self, array: Any, place: Any, values: Any) -> None:
        """First the first value for every place, then the second, and so on."""
        xp = self._xp
        where = xp.arange(array.size).reshape(array.shape)[place]
        values = xp.broadcast_to(xp.asarray(values, array.dtype), where.shape).reshape(-1)
        order = xp.argsort(where.reshape(-1))
        where, values = where.reshape(-1)[order], values[order]
        turn = xp.arange(where.size) - xp.searchsorted(where, where)
        flat = array.reshape(-1)
        for number in range(int(turn.max()) + 1 if turn.size else 0):
            now = turn == number
            chosen = where[now]
            flat[chosen] = self._ufunc(flat[chosen], values[now])
        array[...] = flat.reshape(array.shape)


class Namespace:
    """CuPy and the functions that are another here.

    Args:
        cupy: CuPy.
        errstate: ``cupyx.errstate``.
        own: further functions by name, which stand in the place of CuPy's.
    """

    def __init__(self, cupy: Any, errstate: Any, **own: Callable[..., Any]) -> None:
        self._cupy = cupy
        self.__dict__.update(own)
        self.linalg = _Raising(cupy.linalg, errstate)
        self.add = Function(cupy, cupy.add, atomic=cupy.add)
        self.multiply = Function(cupy, cupy.multiply)
        for name, reduction in (("maximum", cupy.max), ("minimum", cupy.min)):
            ufunc = getattr(cupy, name)
            both = Function(cupy, ufunc, reduction=reduction, doubles=True, atomic=ufunc)
            setattr(self, name, both)
        self.logaddexp = Function(cupy, cupy.logaddexp, doubles=True)
        self.logical_and = Function(cupy, _of_truth(cupy.logical_and), atomic=cupy.minimum)
        self.logical_or = Function(cupy, _of_truth(cupy.logical_or), atomic=cupy.maximum)
        self.logical_xor = _of_truth(cupy.logical_xor)
        self.logical_not = _of_truth(cupy.logical_not)

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._cupy, name)
        setattr(self, name, found)
        return found

    def refuse_fork(self) -> None:
        """In a forked process: whatever is asked of CUDA is refused, with the way out."""
        self.__dict__.clear()
        self.__class__ = _Forked  # type: ignore[assignment]

    def unique(self, ar: Any, **kwargs: Any) -> Any:
        """CuPy subtracts along an axis, and has no difference of bools."""
        if ar.dtype != bool:
            return self._cupy.unique(ar, **kwargs)
        values, *others = self._cupy.unique(ar.view("uint8"), **kwargs)
        return values.view(bool), *others

    def where(self, condition: Any, *choices: Any) -> Any:
        result = self._cupy.where(condition, *choices)
        kinds = {each.dtype for each in choices if hasattr(each, "dtype")}
        return result.astype(kinds.pop(), copy=False) if len(kinds) == 1 else result

    def tril(self, m: Any, k: int = 0) -> Any:
        return self._cupy.tril(m, k).astype(m.dtype, copy=False)

    def triu(self, m: Any, k: int = 0) -> Any:
        return self._cupy.triu(m, k).astype(m.dtype, copy=False)


class _Forked:
    def __getattr__(self, name: str) -> Any:
        raise RuntimeError(FORKED)


class _Raising:
    """``cupy.linalg`` where a factorization that fails raises, as NumPy's does."""

    def __init__(self, linalg: Any, errstate: Any) -> None:
        self._linalg = linalg
        self._errstate = errstate

    def __getattr__(self, name: str) -> Any:
        function = getattr(self._linalg, name)

        def raising(*args: Any, **kwargs: Any) -> Any:
            with self._errstate(linalg="raise"):
                return function(*args, **kwargs)

        setattr(self, name, raising)
        return raising


def _of_truth(ufunc: Callable[..., Any]) -> Callable[..., Any]:
    """A logical function that takes complex numbers, too."""

    def on_truth(*operands: Any, **kwargs: Any) -> Any:
        plain = [each != 0 if _is_complex(each) else each for each in operands]
        return ufunc(*plain, **kwargs)

    return on_truth


def _is_complex(value: Any) -> bool:
    return isinstance(value, complex) or getattr(value, "dtype", None) in (
        "complex64",
        "complex128",
    )
