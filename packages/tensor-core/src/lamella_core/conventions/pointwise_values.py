"""What a kernel of a pointwise op is given: arrays and numbers of the type that is computed in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lamella_core import dtype as dtypes
from lamella_core.conventions.arguments import check_bits, number_of_type
from lamella_core.conventions.common import broadcast_error, not_implemented_for, overflow_error
from lamella_core.dtype import FLOATING
from lamella_core.promotion import can_cast
from lamella_core.tensor import Tensor

if TYPE_CHECKING:
    from lamella_core.backend import Backend
    from lamella_core.conventions.pointwise import Plans
    from lamella_core.dispatch import Op
    from lamella_core.dtype import dtype

CATEGORY = {bool: 0, int: 1, float: 2, complex: 3}


def as_type(xp: Any, array: Any, wanted: np.dtype) -> Any:
    """An array of another type. Elements that are repeated stay so, as they decide no order."""
    if 0 in array.strides and xp is not None:
        steps = array.strides
        once = array[tuple([slice(None, None if step else 1) for step in steps])]
        if once.shape != array.shape:
            return xp.broadcast_to(once.astype(wanted), array.shape)
    return array.astype(wanted, copy=False)


class _ConstantsOfType(dict[Any, Any]):
    # Numbers as arrays without dimensions, which NumPy takes faster than Python numbers.
    #
    # Zero is not to be kept: 0.0 and -0.0 are equal, and would share one.
    __slots__ = ("dtype",)

    def __init__(self, dtype: np.dtype) -> None:
        self.dtype = dtype

    def __missing__(self, number: Any) -> np.ndarray:
        if len(self) >= 256:
            self.clear()
        if number.__class__ is int:
            check_bits(number)
        with np.errstate(over="ignore"):
            constant = self[number] = np.asarray(number, self.dtype)
        return constant


class Constants(dict[np.dtype, _ConstantsOfType]):
    """The constants of a program, by the type of the arrays that they meet."""

    __slots__ = ()

    def __missing__(self, dtype: np.dtype) -> _ConstantsOfType:
        constants = self[dtype] = _ConstantsOfType(dtype)
        return constants


def wrapped_number(number: Any, numpy_dtype: np.dtype) -> Any:
    """An integer out of the type's range, wrapped around as the conversion in C does.

    Raises:
        OverflowError: when the number does not fit in 64 bits either.
    """
    if not isinstance(number, int):
        return number
    check_bits(number)
    if numpy_dtype.kind not in "iu":
        return number
    bits = 8 * numpy_dtype.itemsize
    number &= (1 << bits) - 1
    if numpy_dtype.kind == "i" and number >> (bits - 1):
        number -= 1 << bits
    return number


def plain_values(
    args: tuple[Any, ...], operands: tuple[int, ...], dtype: dtype, plans: Plans
) -> list[Any] | None:
    """The arguments as a kernel takes them; None where an operand brings another type."""
    values = list(args)
    category, categories = dtype.category, plans.categories
    for i in operands:
        value = values[i]
        own = categories.get(value.__class__)
        if own is None:
            if value is not None:
                if value._dtype is not dtype:
                    return None
                values[i] = value._array
        elif own > category:
            return None
        elif category < FLOATING:
            number = number_of_type(value, dtype) if plans.checked else None
            values[i] = wrapped_number(value, dtype.numpy) if number is None else number
        elif own < dtypes.COMPLEX and not -65504 <= value <= 65504:
            # What float16 has, every floating type has.
            if own == dtypes.INTEGER:
                check_bits(value)
            if plans.checked:
                number_of_type(value, dtype)
    return values


def _converted(
    args: tuple[Any, ...], operands: tuple[int, ...], promoted: dtype, plans: Plans, large: float
) -> tuple[list[Any], bool]:
    # The arguments as arrays of the type that is computed in, and whether large ones are not.
    values = list(args)
    in_parts = False
    compute, _, rounds = plans[promoted]
    target = promoted.numpy if compute is None else compute
    for i in operands:
        value = values[i]
        if value is None:
            continue
        if value.__class__ in CATEGORY:
            if plans.checked:
                value = number_of_type(value, promoted)
            if rounds is not None and not (plans.exact and i):
                value = float(rounds(value))
            values[i] = value if value.__class__ is float else wrapped_number(value, target)
        elif compute is None and value._dtype is promoted:
            values[i] = value._array
        else:
            values[i] = array = value._array
            if array.size >= large:
                in_parts = True
            else:
                values[i] = as_type(plans.xp, array, target)
    return values, in_parts


def compute_in_parts(
    backend: Backend, kernel: Any, args: Any, compute: Any, rounds: Any, result: dtype, out: Any
) -> Any:
    """The result for large operands, which are converted block by block."""
    # NumPy itself converts in a buffer; but single-byte results that are not contiguous are wrong
    # in 2.4 (signbit, isfinite).
    if hasattr(kernel, "nin") and (
        rounds is None
        if out is None
        else out.dtype == result.numpy
        and (out.itemsize > 1 or out.flags.c_contiguous)
        and (compute, out.dtype) not in backend.casts
    ):
        if compute is None:
            return kernel(*args, out=out)
        types = (compute,) * kernel.nin + (None,) * kernel.nout
        return kernel(*args, out=out, signature=types, casting="unsafe")

    converted = backend.converted

    def convert(*values: Any) -> Any:
        array = kernel(*[converted(v, compute) if hasattr(v, "astype") else v for v in values])
        return array if rounds is None else converted(array, result.numpy)

    if compute is None:
        convert = kernel
    return backend.by_blocks(convert, False, 0)(*args, out=out)


def check_numbers(values: Any, dtype: dtype, compute: Any) -> None:
    """Raises what :func:`number_of_type` does for the type that is computed in."""
    floating = dtype.category >= FLOATING
    for value in values:
        cls = value.__class__
        if cls is not bool and (
            (cls is not float and cls is not int) or (floating and not -65504 <= value <= 65504)
        ):
            number_of_type(value, dtype if compute is None else dtypes.OF_NUMPY[compute])


def evaluate_all(
    op: Op,
    kernel: Any,
    plans: Plans,
    operands: tuple[int, ...],
    backend: Backend,
    args: tuple[Any, ...],
    out: Any = None,
) -> tuple[Any, Any]:
    """The result's array and type; a large one may be written into the tensor ``out``."""
    values: Any = None
    promoted: Any = getattr(args[operands[0]], "_dtype", None)
    if promoted is not None:
        values = plain_values(args, operands, promoted, plans)
    if values is None or plans.exact:
        given = [args[i] for i in operands if args[i] is not None]
        if values is None:
            promoted = plans.promote(given)
        if plans.exact and given[-1].__class__ not in CATEGORY and not given[-1]._array.ndim:
            plans = plans.scalars
    compute, result, rounds = plans[promoted]
    if plans.checked and len(args) > len(operands):
        check_numbers([v for i, v in enumerate(args) if i not in operands], promoted, compute)
    if out is not None and result is not out._dtype and plans.convention.same_out:
        if not any(isinstance(each, Tensor) for each in args[1:]):
            raise RuntimeError(f"Found dtype {out._dtype!r} but expected {result!r} ({op.name})")
    alike = values is not None and compute is None
    in_parts = False
    if not alike:
        values, in_parts = _converted(args, operands, promoted, plans, backend.large)
    try:
        if in_parts or (out is not None and out._array.size >= backend.large):
            target = None
            if out is not None and can_cast(result, out._dtype):
                shapes = [values[i].shape for i in operands if hasattr(values[i], "shape")]
                if np.broadcast_shapes(*shapes) == out._array.shape:
                    target = out._array
            wanted = None if alike else compute or promoted.numpy
            return compute_in_parts(backend, kernel, values, wanted, rounds, result, target), result
        array = kernel(*values)
    except OverflowError:
        raise overflow_error(op.name, promoted) from None
    except ValueError:
        shapes = [v._array.shape for v in args if isinstance(v, Tensor)]
        raise broadcast_error(op.name, *shapes) from None
    except TypeError:
        raise not_implemented_for(op.name, promoted) from None
    if rounds is not None:
        array = array.astype(result.numpy, copy=False)
    return array, result
