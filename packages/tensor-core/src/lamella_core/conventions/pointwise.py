"""Pointwise ops: promotion, broadcasting, one result of the broadcast shape."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from lamella_core import dtype as dtypes
from lamella_core.conventions.common import (
    broadcast_error,
    check_memory,
    check_out_type,
    check_result,
    not_implemented_for,
    overflow_error,
    store,
    takes_out,
)
from lamella_core.conventions.pointwise_values import (
    CATEGORY,
    Constants,
    as_type,
    check_numbers,
    compute_in_parts,
    evaluate_all,
    plain_values,
    wrapped_number,
)
from lamella_core.declaration import declare
from lamella_core.dispatch import NUMBER, REORDERED, kernel_of
from lamella_core.dtype import FLOATING
from lamella_core.formats import in_order
from lamella_core.promotion import result_dtype
from lamella_core.storage import mark_written
from lamella_core.tensor import Tensor, blank, wrap

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from lamella_core.backend import Backend
    from lamella_core.declaration import Declarator
    from lamella_core.dispatch import Op
    from lamella_core.dtype import dtype

# For ops that refuse some types as operands: a bool always takes the way on which that is seen.
_CHECKED_CATEGORY = {**CATEGORY, bool: 4}


def pointwise(
    result: str = "same",
    *,
    refuses: str = "",
    method: bool = True,
    inplace: bool = True,
    reduced_precision: bool | None = None,
    refusals: dict[str, str] | None = None,
    refusals_of: str = "all",
    exact_numbers: bool = False,
    checked_numbers: bool = False,
    tensor_first: bool = False,
    same_out: bool = False,
) -> Declarator:
    """Declares a pointwise op. All parameters that are tensors or numbers are operands.

    Args:
        result: the type rule: ``same`` (the promoted type), ``float`` (integers and bools become
            the default floating type), ``bool`` (computed in the promoted type), ``real`` (complex
            gives its real type), ``float_real`` (both of these).
        refuses: names of types and categories that the op has no meaning for, such as
            ``"bool complex"``; they raise NotImplementedError.
        method, inplace: see ``declaration.declare``.
        reduced_precision: whether the kernel computes float16 and bfloat16 by itself. By default
            a ufunc does between tensors, and any other kernel is given float32, and its result is
            rounded. With a Python number float32 is used always. A backend's kernel may say it of
            itself, by an attribute of this name.
        refusals: further types and categories, and the text of the RuntimeError for each,
            ``{}`` being the name of the op.
        refusals_of: what these texts hold for: the type common to ``all`` operands, that of
            ``each`` too, or that common to the ``rest`` after the first too.
        exact_numbers: whether float16 and bfloat16 meet a number (or a tensor without dimensions)
            after the first operand as it is; else it is rounded to their type first.
        checked_numbers: whether a number must fit in the common type, one that is no operand in the
            type that is computed in; else it wraps around there.
        tensor_first: whether the first operand may be no number where ``out`` is given.
        same_out: whether a target must have the result's type where no other operand is a tensor.
    """
    convention = Pointwise(
        result,
        frozenset(refuses.split()),
        reduced_precision,
        refusals or {},
        refusals_of,
        exact_numbers,
        checked_numbers,
        tensor_first,
        same_out,
    )
    return lambda declaration: declare(declaration, convention, method=method, inplace=inplace)


class Plans(dict[Any, Any]):
    # Promoted type to (type to compute in or None, result type, type that is rounded to or None).
    #
    # The last is NumPy's scalar type where float32 stands in for float16 or bfloat16.

    __slots__ = (
        "categories", "checked", "convention", "exact", "kernel", "op_name", "scalars",
        "with_number", "xp",
    )  # fmt: skip

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
            Plans(convention, op_name, kernel, True, xp) if self.exact and not with_number else self
        )
        self.categories = _CHECKED_CATEGORY if convention.refusals_of == "each" else CATEGORY

    def promote(self, operands: Iterable[Any]) -> dtype:
        # The common type of operands, after a check of some where the op asks for it.
        checked = self.convention.refusals_of
        if checked != "all":
            operands = list(operands)
            for some in [[each] for each in operands] if checked == "each" else [operands[1:]]:
                self.convention.refuse(self.op_name, result_dtype(some))
        return result_dtype(operands)

    def __missing__(self, promoted: dtype) -> tuple[np.dtype | None, dtype, Any]:
        plan = self[promoted] = self.convention.plan(
            self.op_name, self.kernel, promoted, self.with_number
        )
        if promoted.category < FLOATING:
            dtypes.defaults.plans.append(self)
        return plan


class Pointwise(NamedTuple):
    # See ``pointwise``.

    result: str
    refuses: frozenset[str]
    reduced_precision: bool | None
    refusals: dict[str, str]
    refusals_of: str
    exact_numbers: bool
    checked_numbers: bool
    tensor_first: bool
    same_out: bool
    keeps_order: bool = True

    def refuse(self, op_name: str, dtype: dtype) -> None:
        # Raises the error for a type that the op has no meaning for.
        for kind in dtype.kinds:
            if kind in self.refuses:
                raise not_implemented_for(op_name, dtype)
            if kind in self.refusals:
                raise RuntimeError(self.refusals[kind].format(op_name))

    def types(self, promoted: dtype) -> tuple[dtype, dtype]:
        # The type that operands of a promoted type are computed in, and that of the result.
        rule = self.result
        if rule.startswith("float") and promoted.category < FLOATING:
            promoted = dtypes.defaults.floating
        if rule == "bool":
            return promoted, dtypes.bool_
        return promoted, promoted.to_real() if rule.endswith("real") else promoted

    def plan(
        self, op_name: str, kernel: Any, promoted: dtype, with_number: bool
    ) -> tuple[np.dtype | None, dtype, Any]:
        # How operands of a promoted type are computed: see ``Plans``.
        self.refuse(op_name, promoted)
        compute, result = self.types(promoted)
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
        plans = Plans(self, base.name, kernel, bool(key & NUMBER), backend.xp)
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


def _bind_unary(op: Op, kernel: Any, plans: Plans, backend: Backend) -> Callable[..., Any]:
    key, array_type, as_array = backend.key, backend.array_type, backend.as_array
    large, checked = backend.large, plans.checked
    convert = partial(as_type, backend.xp)

    def unary(input: Tensor, *further: Any) -> Tensor:
        compute, result, rounds = plans[input._dtype]
        array = input._array
        if checked:
            check_numbers(further, input._dtype, compute)
        try:
            if compute is None:
                array = kernel(array, *further)
            elif array.size < large:
                array = kernel(convert(array, compute), *further)
            else:
                values = (array, *further)
                array = compute_in_parts(backend, kernel, values, compute, rounds, result, None)
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


def _bind_binary(op: Op, kernel: Any, plans: Plans, backend: Backend) -> Callable[..., Any]:
    key, array_type, as_array = backend.key, backend.array_type, backend.as_array
    scalars, large = plans.scalars, backend.large
    convert = partial(as_type, backend.xp)

    def binary(input: Tensor, other: Tensor) -> Tensor:
        dtype = input._dtype
        left, right = input._array, other._array
        try:
            if dtype is other._dtype:
                compute, result, rounds = plans[dtype]
            else:
                promoted = plans.promote((input, other))
                compute, result, rounds = plans[promoted] if right.ndim else scalars[promoted]
                if compute is None:
                    compute = promoted.numpy
            if compute is None:
                array = kernel(left, right)
            elif left.size < large and right.size < large:
                array = kernel(convert(left, compute), convert(right, compute))
            else:
                both = (left, right)
                array = compute_in_parts(backend, kernel, both, compute, rounds, result, None)
        except ValueError:
            raise broadcast_error(op.name, left.shape, right.shape) from None
        except TypeError:
            raise not_implemented_for(op.name, dtype) from None
        except NotImplementedError:
            _common_shape(op.name, left.shape, right.shape)
            raise
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


def _common_shape(op_name: str, *shapes: tuple[int, ...]) -> tuple[int, ...]:
    # That shapes do not fit is told before that the op is not defined.
    try:
        return np.broadcast_shapes(*shapes)
    except ValueError:
        raise broadcast_error(op_name, *shapes) from None


def _bind_binary_number(op: Op, kernel: Any, plans: Plans, backend: Backend) -> Callable[..., Any]:
    categories, exact, large = plans.categories, plans.exact, backend.large
    key, array_type, as_array = backend.key, backend.array_type, backend.as_array

    keeps = hasattr(kernel, "nin") and array_type is np.ndarray
    constants = Constants()
    convert = partial(as_type, backend.xp)

    def binary_number(input: Any, other: Any) -> Tensor:
        cls = other.__class__
        swapped = cls is Tensor or cls not in CATEGORY
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
                    array = compute_in_parts(backend, kernel, both, compute, rounds, result, None)
                except TypeError:
                    raise not_implemented_for(op.name, dtype) from None
                return wrap(array, result, key)
            array = convert(array, compute)
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


def _bind_general(
    op: Op, kernel: Any, plans: Plans, operands: tuple[int, ...], backend: Backend
) -> Callable[..., Any]:
    key, array_type, as_array = backend.key, backend.array_type, backend.as_array

    def general(*args: Any) -> Tensor:
        array, result = evaluate_all(op, kernel, plans, operands, backend, args)
        if array.__class__ is not array_type:
            array = as_array(array)
        return wrap(array, result, key)

    return general


def _bind_into(
    op: Op,
    base: Op,
    kernel: Any,
    plans: Plans,
    operands: tuple[int, ...],
    backend: Backend,
) -> Callable[..., Any]:
    # In-place and out variants; a kernel with ``out=`` writes straight into the target.
    evaluate = partial(evaluate_all, base, kernel, plans, operands, backend)
    direct = takes_out(kernel)
    inplace = op.mutates != "out"
    real = plans.convention.result.endswith("real")
    tensor_first = plans.convention.tensor_first

    def into(*args: Any) -> Tensor:
        target = args[0] if inplace else args[-1]
        if not inplace:
            args = args[:-1]
            if tensor_first and args[0].__class__ in CATEGORY:
                raise TypeError(f"{base.name}(): with out= the first argument must be a tensor")
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
                        check_numbers(values, target._dtype, compute)
                        raise not_implemented_for(base.name, target._dtype) from None
                    mark_written(target)
                    return target
        if inplace and target._dtype.is_complex and real:
            raise RuntimeError(f"In-place {base.name} is not supported for complex tensors.")
        try:
            result_array, result = evaluate(args, target)
        except NotImplementedError:
            # That the target takes no such result is told first.
            given = [args[i] for i in operands if args[i] is not None]
            _, result = plans.convention.types(result_dtype(given))
            shapes = [each._array.shape for each in given if isinstance(each, Tensor)]
            shape = _common_shape(base.name, *shapes)
            check_result(base.name, target, shape, result, inplace)
            raise
        if not inplace:
            check_out_type(base.name, result, target)
        if result_array is array:
            mark_written(target)
            return target
        keeps_shape = inplace or any([each is target for each in args])
        store(base.name, backend, target, result_array, result, keeps_shape)
        return target

    if not direct or plans.checked or len(base.params) != len(operands):
        return into
    if not inplace:
        return _quick_out(into, kernel, plans, len(operands))
    if len(operands) == 1:
        return _quick_unary(into, kernel, plans)
    return _quick_binary(into, kernel, plans, backend) if len(operands) == 2 else into


def _quick_out(
    into: Callable[..., Tensor], kernel: Any, plans: Plans, count: int
) -> Callable[..., Tensor]:
    # ``into`` for an out tensor of the operands' own type and shape.
    def out(*args: Any) -> Tensor:
        target = args[-1]
        array, dtype, storage = target._array, target._dtype, target._storage
        shape = array.shape
        arrays = [
            each._array
            for each in args
            if each.__class__ is Tensor
            and each._dtype is dtype
            and each._array.shape == shape
            and (storage is None or each is target or each._storage is not storage)
        ]
        if len(arrays) <= count or not shape or 0 in array.strides:
            return into(*args)
        compute, result, _ = plans[dtype]
        if compute is not None or result is not dtype:
            return into(*args)
        try:
            kernel(*arrays)
        except TypeError:
            return into(*args)
        mark_written(target)
        return target

    return out


def _quick_unary(into: Callable[..., Tensor], kernel: Any, plans: Plans) -> Callable[..., Tensor]:
    # ``into`` for one operand, less what a call that only runs the kernel does without.
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
    into: Callable[..., Tensor], kernel: Any, plans: Plans, backend: Backend
) -> Callable[..., Tensor]:
    # ``into`` for two operands, less what a call that only runs the kernel does without.
    categories = plans.categories
    keeps = hasattr(kernel, "nin") and backend.array_type is np.ndarray
    constants = Constants()

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
    args: tuple[Any, ...], operands: tuple[int, ...], target: Tensor, plans: Plans
) -> list[Any] | None:
    # The arguments as a kernel with ``out=target`` takes them, None where it would not do.
    #
    # It does where all tensors have the target's type, one of them its shape and the others that or
    # no dimensions, and all numbers its category.
    values = plain_values(args, operands, target._dtype, plans)
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
