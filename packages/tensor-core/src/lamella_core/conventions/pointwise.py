"""Pointwise ops: promotion, broadcasting, one result of the broadcast shape."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from lamella_core import dtype as dtypes
from lamella_core.conventions.arguments import check_bits, number_of_type
from lamella_core.conventions.common import (
    broadcast_error,
    check_memory,
    not_implemented_for,
    overflow_error,
    store,
    takes_out,
)
from lamella_core.declaration import declare
from lamella_core.dispatch import NUMBER, REORDERED, kernel_of
from lamella_core.dtype import FLOATING
from lamella_core.formats import in_order
from lamella_core.promotion import can_cast, result_dtype
from lamella_core.storage import mark_written
from lamella_core.tensor import Tensor, blank, wrap

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from lamella_core.backend import Backend
    from lamella_core.dispatch import Op
    from lamella_core.dtype import dtype

_CATEGORY = {bool: 0, int: 1, float: 2, complex: 3}

# For ops that refuse some types as operands: a bool always takes the way on which that is seen.
_CHECKED_CATEGORY = {**_CATEGORY, bool: 4}


def pointwise(
    result: str = "same",
    *,
    refuses: str = "",
    method: bool = True,
    inplace: bool = True,
    name: str | None = None,
    reduced_precision: bool | None = None,
    refusals: dict[str, str] | None = None,
    each_operand: bool = False,
    exact_numbers: bool = False,
    checked_numbers: bool = False,
) -> Callable[[Callable[..., Any]], Any]:
    """Declares a pointwise op. All parameters that are tensors or numbers are operands.

    Args:
        result: the type rule: ``same`` (the promoted type), ``float`` (integers and bools become
            the default floating type), ``bool`` (computed in the promoted type), ``real`` (complex
            gives its real type), ``float_real`` (both of these).
        refuses: names of types and categories that the op has no meaning for, such as
            ``"bool complex"``; they raise NotImplementedError.
        method, inplace, name: see ``declaration.declare``.
        reduced_precision: whether the kernel computes float16 and bfloat16 by itself. By default
            a ufunc does between tensors, and any other kernel is given float32, and its result is
            rounded. With a Python number float32 is used always. A backend's kernel may say it of
            itself, by an attribute of this name.
        refusals: further types and categories, and the text of the RuntimeError for each.
        each_operand: whether these texts hold for every operand, not only for the common type.
        exact_numbers: whether float16 and bfloat16 meet a number (or a tensor without dimensions)
            after the first operand as it is; else it is rounded to their type first.
        checked_numbers: whether a number must fit in the common type; else it wraps around there.
    """
    convention = Pointwise(
        result,
        frozenset(refuses.split()),
        reduced_precision,
        refusals or {},
        each_operand,
        exact_numbers,
        checked_numbers,
    )
    return lambda declaration: declare(
        declaration, convention, method=method, inplace=inplace, name=name
    )


class _Plans(dict[Any, Any]):
    """Promoted type to (type to compute in or None, result type, type that is rounded to or None).

    The last is NumPy's scalar type where float32 stands in for float16 or bfloat16.
    """

    __slots__ = (
        "categories",
        "checked",
        "convention",
        "exact",
        "kernel",
        "op_name",
        "scalars",
        "with_number",
        "xp",
    )

    def __init__(
        self, convention: Pointwise, op_name: str, kernel: Any, with_number: bool, xp: Any
    ) -> None:
        self.xp = xp
        self.convention = convention
        self.op_name = op_name
        self.kernel = kernel
        self.with_number = with_number
        self.exact = convention.exact_numbers
        self.checked = convention.checked_numbers
        # Those for a second operand without dimensions, which counts as a number.
        self.scalars = (
            _Plans(convention, op_name, kernel, True, xp)
            if self.exact and not with_number
            else self
        )
        self.categories = _CHECKED_CATEGORY if convention.each_operand else _CATEGORY

    def promote(self, operands: Iterable[Any]) -> dtype:
        """The common type of operands, after a check of each where the op asks for it."""
        if self.convention.each_operand:
            for each in operands:
                own = dtypes.of_number(each) if each.__class__ in _CATEGORY else each._dtype
                self.convention.refuse(self.op_name, own)
        return result_dtype(operands)

    def __missing__(self, promoted: dtype) -> tuple[np.dtype | None, dtype, Any]:
        plan = self[promoted] = self.convention.plan(
            self.op_name, self.kernel, promoted, self.with_number
        )
        return plan


def _in_parts(
    backend: Backend, kernel: Any, args: Any, compute: Any, rounds: Any, result: dtype, out: Any
) -> Any:
    """The result for large operands, which are converted block by block."""
    # NumPy itself converts in a buffer; but single-byte results that are not contiguous are wrong
    # in 2.4 (signbit, isfinite).
    if hasattr(kernel, "nin") and (
        rounds is None
        if out is None
        else out.dtype == result.numpy and (out.itemsize > 1 or out.flags.c_contiguous)
    ):
        if compute is None:
            return kernel(*args, out=out)
        types = (compute,) * kernel.nin + (None,) * kernel.nout
        return kernel(*args, out=out, signature=types, casting="unsafe")

    def convert(*values: Any) -> Any:
        array = kernel(
            *[v.astype(compute, copy=False) if hasattr(v, "astype") else v for v in values]
        )
        return array if rounds is None else array.astype(result.numpy, copy=False)

    if compute is None:
        convert = kernel
    return backend.by_blocks(convert, False, 0)(*args, out=out)


class Pointwise:
    """See :func:`pointwise`."""

    keeps_order = True
    __slots__ = (
        "checked_numbers",
        "each_operand",
        "exact_numbers",
        "reduced_precision",
        "refusals",
        "refuses",
        "result",
    )

    def __init__(
        self,
        result: str,
        refuses: frozenset[str],
        reduced_precision: bool | None,
        refusals: dict[str, str],
        each_operand: bool,
        exact_numbers: bool,
        checked_numbers: bool,
    ) -> None:
        self.result = result
        self.refuses = refuses
        self.reduced_precision = reduced_precision
        self.refusals = refusals
        self.each_operand = each_operand
        self.exact_numbers = exact_numbers
        self.checked_numbers = checked_numbers

    def refuse(self, op_name: str, dtype: dtype) -> None:
        """Raises the error for a type that the op has no meaning for."""
        category = ("bool", "integer", "floating", "complex")[dtype.category]
        if category in self.refuses or dtype.name in self.refuses:
            raise not_implemented_for(op_name, dtype)
        text = self.refusals.get(category) or self.refusals.get(dtype.name)
        if text is not None:
            raise RuntimeError(text)

    def plan(
        self, op_name: str, kernel: Any, promoted: dtype, with_number: bool
    ) -> tuple[np.dtype | None, dtype, Any]:
        """How operands of a promoted type are computed: see ``_Plans``."""
        self.refuse(op_name, promoted)
        rule = self.result
        compute = promoted
        if rule.startswith("float") and promoted.category < FLOATING:
            compute = dtypes.defaults.floating
        result = compute
        if rule == "bool":
            result = dtypes.bool_
        elif rule.endswith("real"):
            result = compute.to_real()
        if compute in dtypes.REDUCED_PRECISION and (
            with_number or not self._computes_reduced(kernel, compute)
        ):
            return dtypes.float32.numpy, result, compute.numpy.type
        return (None if compute is promoted else compute.numpy), result, None

    def _computes_reduced(self, kernel: Any, compute: dtype) -> bool:
        itself = getattr(kernel, "reduced_precision", self.reduced_precision)
        if itself is not None:
            return bool(itself)
        resolve = getattr(kernel, "resolve_dtypes", None)
        if resolve is None:
            return takes_out(kernel)
        try:
            resolve((compute.numpy,) * kernel.nin + (None,) * kernel.nout)
        except TypeError:
            return False
        return True

    def bind(self, op: Op, backend: Backend, key: int) -> Callable[..., Any]:
        base = op.base or op
        kernel = kernel_of(base.name, backend)
        plans = _Plans(self, base.name, kernel, bool(key & NUMBER), backend.xp)
        operands = tuple(i for i, p in enumerate(base.params) if p.kind != "value")
        if not hasattr(kernel, "nin") and (op.mutates or not hasattr(kernel, "in_blocks")):
            kernel = backend.by_blocks(kernel, takes_out(kernel), len(base.params))
        if op.mutates is not None:
            return _bind_into(op, base, kernel, plans, operands, backend)
        if key & REORDERED:
            kernel = in_order(kernel, backend.array_type)
        if operands == (0,) and not self.exact_numbers:
            return _bind_unary(base, kernel, plans, backend)
        if operands == (0, 1) and len(base.params) == 2 and not self.checked_numbers:
            if key & NUMBER:
                return _bind_binary_number(base, kernel, plans, backend)
            return _bind_binary(base, kernel, plans, backend)
        return _bind_general(base, kernel, plans, operands, backend)


def _bind_unary(op: Op, kernel: Any, plans: _Plans, backend: Backend) -> Callable[..., Any]:
    key, array_type, as_array = backend.key, backend.array_type, backend.as_array
    large = backend.large

    def unary(input: Tensor, *further: Any) -> Tensor:
        compute, result, rounds = plans[input._dtype]
        array = input._array
        try:
            if compute is None:
                array = kernel(array, *further)
            elif array.size < large:
                array = kernel(array.astype(compute), *further)
            else:
                values = (array, *further)
                array = _in_parts(backend, kernel, values, compute, rounds, result, None)
        except OverflowError:
            raise overflow_error(op.name, input._dtype) from None
        except TypeError:
            raise not_implemented_for(op.name, input._dtype) from None
        if rounds is not None:
            array = array.astype(result.numpy, copy=False)
        if array.__class__ is not array_type:
            array = as_array(array)
        tensor = blank()
        tensor._array = array
        tensor._dtype = result
        tensor._key = key
        tensor._storage = tensor._graph = tensor._view = tensor._grad = None
        return tensor

    return unary


def _bind_binary(op: Op, kernel: Any, plans: _Plans, backend: Backend) -> Callable[..., Any]:
    key, array_type, as_array = backend.key, backend.array_type, backend.as_array
    scalars, large = plans.scalars, backend.large
    convert = partial(_as_type, backend.xp)

    def binary(input: Tensor, other: Tensor) -> Tensor:
        dtype = input._dtype
        left, right = input._array, other._array
        if dtype is other._dtype:
            compute, result, rounds = plans[dtype]
        else:
            promoted = plans.promote((input, other))
            compute, result, rounds = plans[promoted] if right.ndim else scalars[promoted]
            if compute is None:
                compute = promoted.numpy
        try:
            if compute is None:
                array = kernel(left, right)
            elif left.size < large and right.size < large:
                array = kernel(convert(left, compute), convert(right, compute))
            else:
                both = (left, right)
                array = _in_parts(backend, kernel, both, compute, rounds, result, None)
        except ValueError:
            raise broadcast_error(op.name, left.shape, right.shape) from None
        except TypeError:
            raise not_implemented_for(op.name, dtype) from None
        if rounds is not None:
            array = array.astype(result.numpy, copy=False)
        if array.__class__ is not array_type:
            array = as_array(array)
        tensor = blank()
        tensor._array = array
        tensor._dtype = result
        tensor._key = key
        tensor._storage = tensor._graph = tensor._view = tensor._grad = None
        return tensor

    return binary


def _as_type(xp: Any, array: Any, wanted: np.dtype) -> Any:
    """An array of another type. Elements that are repeated stay so, as they decide no order."""
    if 0 in array.strides and xp is not None:
        steps = array.strides
        once = array[tuple([slice(None, None if step else 1) for step in steps])]
        if once.shape != array.shape:
            return xp.broadcast_to(once.astype(wanted), array.shape)
    return array.astype(wanted, copy=False)


def _bind_binary_number(op: Op, kernel: Any, plans: _Plans, backend: Backend) -> Callable[..., Any]:
    categories, exact, large = plans.categories, plans.exact, backend.large
    key, array_type, as_array = backend.key, backend.array_type, backend.as_array

    keeps = hasattr(kernel, "nin") and array_type is np.ndarray
    constants = _Constants()

    def binary_number(input: Any, other: Any) -> Tensor:
        cls = other.__class__
        swapped = cls is Tensor or cls not in _CATEGORY
        tensor, number = (other, input) if swapped else (input, other)
        dtype = tensor._dtype
        array = tensor._array
        if categories[number.__class__] <= dtype.category:
            compute, result, rounds = plans[dtype]
        else:
            promoted = plans.promote((tensor, number))
            compute, result, rounds = plans[promoted]
            if compute is None:
                compute = promoted.numpy
        if compute is not None:
            if rounds is not None and (swapped or not exact):
                number = float(rounds(number))
            if array.size >= large and array.dtype != compute:
                number = wrapped_number(number, compute)
                both = (number, array) if swapped else (array, number)
                try:
                    array = _in_parts(backend, kernel, both, compute, rounds, result, None)
                except TypeError:
                    raise not_implemented_for(op.name, dtype) from None
                return wrap(array, result, key)
            array = array.astype(compute, copy=False)
        try:
            if keeps and number:
                constant = constants[array.dtype][number]
                array = kernel(constant, array) if swapped else kernel(array, constant)
            else:
                array = kernel(number, array) if swapped else kernel(array, number)
        except (OverflowError, ValueError):
            number = wrapped_number(number, array.dtype)
            array = kernel(number, array) if swapped else kernel(array, number)
        except TypeError:
            raise not_implemented_for(op.name, dtype) from None
        if rounds is not None:
            array = array.astype(result.numpy, copy=False)
        if array.__class__ is not array_type:
            array = as_array(array)
        tensor = blank()
        tensor._array = array
        tensor._dtype = result
        tensor._key = key
        tensor._storage = tensor._graph = tensor._view = tensor._grad = None
        return tensor

    return binary_number


class _ConstantsOfType(dict[Any, Any]):
    """Numbers as arrays without dimensions, which NumPy takes faster than Python numbers.

    Zero is not to be kept: 0.0 and -0.0 are equal, and would share one.
    """

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


class _Constants(dict[np.dtype, _ConstantsOfType]):
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


def _plain_values(
    args: tuple[Any, ...], operands: tuple[int, ...], dtype: dtype, plans: _Plans
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
    args: tuple[Any, ...], operands: tuple[int, ...], promoted: dtype, plans: _Plans, large: float
) -> tuple[list[Any], bool]:
    """The arguments as arrays of the type that is computed in, and whether large ones are not."""
    values = list(args)
    in_parts = False
    compute, _, rounds = plans[promoted]
    target = promoted.numpy if compute is None else compute
    for i in operands:
        value = values[i]
        if value is None:
            continue
        if value.__class__ in _CATEGORY:
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
                values[i] = _as_type(plans.xp, array, target)
    return values, in_parts


def _evaluate(
    op: Op,
    kernel: Any,
    plans: _Plans,
    operands: tuple[int, ...],
    backend: Backend,
    args: tuple[Any, ...],
    out: Any = None,
) -> tuple[Any, Any]:
    """The result's array and type; a large one may be written into the tensor ``out``."""
    values: Any = None
    promoted: Any = getattr(args[operands[0]], "_dtype", None)
    if promoted is not None:
        values = _plain_values(args, operands, promoted, plans)
    if values is None or plans.exact:
        given = [args[i] for i in operands if args[i] is not None]
        if values is None:
            promoted = plans.promote(given)
        if plans.exact and given[-1].__class__ not in _CATEGORY and not given[-1]._array.ndim:
            plans = plans.scalars
    compute, result, rounds = plans[promoted]
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
            return _in_parts(backend, kernel, values, wanted, rounds, result, target), result
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


def _bind_general(
    op: Op, kernel: Any, plans: _Plans, operands: tuple[int, ...], backend: Backend
) -> Callable[..., Any]:
    key, array_type, as_array = backend.key, backend.array_type, backend.as_array

    def general(*args: Any) -> Tensor:
        array, result = _evaluate(op, kernel, plans, operands, backend, args)
        if array.__class__ is not array_type:
            array = as_array(array)
        return wrap(array, result, key)

    return general


def _bind_into(
    op: Op,
    base: Op,
    kernel: Any,
    plans: _Plans,
    operands: tuple[int, ...],
    backend: Backend,
) -> Callable[..., Any]:
    """In-place and out variants; a kernel with ``out=`` writes straight into the target."""
    evaluate = partial(_evaluate, base, kernel, plans, operands, backend)
    direct = takes_out(kernel)
    inplace = op.mutates != "out"
    real = plans.convention.result.endswith("real")

    def into(*args: Any) -> Tensor:
        target = args[0] if inplace else args[-1]
        if not inplace:
            args = args[:-1]
        check_memory(op.name, target, args)
        array = target._array
        if direct and array.ndim:
            values = _values_that_fit(args, operands, target, plans)
            if values is not None:
                compute, result, _ = plans[target._dtype]
                if compute is None and result is target._dtype:
                    try:
                        kernel(*values, out=array)
                    except OverflowError:
                        raise overflow_error(base.name, target._dtype) from None
                    except TypeError:
                        raise not_implemented_for(base.name, target._dtype) from None
                    mark_written(target)
                    return target
        if inplace and target._dtype.is_complex and real:
            raise RuntimeError(f"In-place {base.name} is not supported for complex tensors.")
        result_array, result = evaluate(args, target)
        if result_array is array:
            mark_written(target)
            return target
        store(base.name, backend, target, result_array, result, inplace)
        return target

    if not inplace or not direct or plans.checked or len(base.params) != len(operands):
        return into
    if len(operands) == 1:
        return _quick_unary(into, kernel, plans)
    return _quick_binary(into, kernel, plans, backend) if len(operands) == 2 else into


def _quick_unary(into: Callable[..., Tensor], kernel: Any, plans: _Plans) -> Callable[..., Tensor]:
    """``into`` for one operand, less what a call that only runs the kernel does without."""

    def unary(input: Tensor) -> Tensor:
        array, dtype = input._array, input._dtype
        compute, result, _ = plans[dtype]
        if compute is not None or result is not dtype or 0 in array.strides or not array.ndim:
            return into(input)
        try:
            kernel(array, out=array)
        except TypeError:
            return into(input)
        storage = input._storage
        if storage is None:
            mark_written(input)
        else:
            storage.version += 1
        return input

    return unary


def _quick_binary(
    into: Callable[..., Tensor], kernel: Any, plans: _Plans, backend: Backend
) -> Callable[..., Tensor]:
    """``into`` for two operands, less what a call that only runs the kernel does without."""
    categories = plans.categories
    keeps = hasattr(kernel, "nin") and backend.array_type is np.ndarray
    constants = _Constants()

    def binary(input: Tensor, other: Any) -> Tensor:
        array, dtype, storage = input._array, input._dtype, input._storage
        category = categories.get(other.__class__)
        if category is not None:
            value = other
            if category > dtype.category:
                return into(input, other)
        else:
            value = other._array
            if other._dtype is not dtype or (value.shape != array.shape and value.ndim):
                return into(input, other)
            if other._storage is storage and storage is not None and other is not input:
                return into(input, other)
        compute, result, _ = plans[dtype]
        if compute is not None or result is not dtype or 0 in array.strides or not array.ndim:
            return into(input, other)
        try:
            if category is not None and keeps and other:
                value = constants[array.dtype][other]
            kernel(array, value, out=array)
        except (OverflowError, TypeError):
            return into(input, other)
        if storage is None:
            mark_written(input)
        else:
            storage.version += 1
        return input

    return binary


def _values_that_fit(
    args: tuple[Any, ...], operands: tuple[int, ...], target: Tensor, plans: _Plans
) -> list[Any] | None:
    """The arguments as a kernel with ``out=target`` takes them, None where it would not do.

    It does where all tensors have the target's type, one of them its shape and the others that or
    no dimensions, and all numbers its category.
    """
    values = _plain_values(args, operands, target._dtype, plans)
    if values is None:
        return None
    shape = target._array.shape
    fits = False
    for i in operands:
        own = getattr(values[i], "shape", ())
        if own == shape:
            fits = True
        elif own:
            return None
    return values if fits else None
