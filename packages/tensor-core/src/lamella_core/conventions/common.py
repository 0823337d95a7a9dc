"""What several conventions need: errors in PyTorch's words, and storing into a given tensor."""

from __future__ import annotations

import inspect
from functools import cache
from operator import index
from typing import TYPE_CHECKING, Any

import numpy as np

from lamella_core import dtype as dtypes
from lamella_core.dispatch import innermost
from lamella_core.formats import reach
from lamella_core.promotion import can_cast
from lamella_core.storage import mark_written, resize
from lamella_core.tensor import Tensor, blank, wrap
from lamella_core.warning import warn

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from types import CodeType

    from lamella_core.backend import Backend
    from lamella_core.dispatch import Op
    from lamella_core.dtype import dtype


def broadcast_error(op_name: str, *shapes: tuple[int, ...]) -> RuntimeError:
    """The error for shapes that do not broadcast, naming the first dimension that differs."""
    ndim = max(map(len, shapes))
    for dim in range(-1, -ndim - 1, -1):
        sizes = [shape[dim] for shape in shapes if -dim <= len(shape)]
        others = sorted({s for s in sizes if s != 1}, key=sizes.index)
        if len(others) > 1:
            texts = ", ".join(str(list(s)) for s in shapes)
            return RuntimeError(
                f"The size of tensor a ({others[0]}) must match the size of tensor b "
                f"({others[1]}) at non-singleton dimension {ndim + dim} ({op_name}: shapes "
                f"{texts}; sizes must be equal or 1, aligned at the last dimension)"
            )
    texts = ", ".join(str(list(s)) for s in shapes)
    return RuntimeError(f"{op_name}: the operands of shapes {texts} do not fit together")


# The ops that raise a RuntimeError for types that they do not order.
_ORDERING = frozenset(("argmax", "argmin", "max_dim", "min_dim", "sort", "topk"))


def not_implemented_for(op_name: str, dtype: dtype) -> RuntimeError:
    """The error for an element type that an op has no meaning or kernel for."""
    return (RuntimeError if op_name in _ORDERING else NotImplementedError)(
        f"\"{op_name}\" not implemented for '{dtype.class_name}'; convert the input, for example "
        f"with .to(torch.float32)"
    )


def overflow_error(op_name: str, dtype: dtype) -> RuntimeError:
    """The error for a number that a tensor's element type does not hold."""
    return RuntimeError(
        f"{op_name}: a value cannot be converted to type {dtype.name} without overflow"
    )


def out_error(op_name: str) -> RuntimeError:
    """The error for an ``out`` or an operand of it that requires a gradient."""
    return RuntimeError(
        f"{op_name}(): functions with out=... arguments don't support automatic differentiation, "
        f"but one of the arguments requires grad."
    )


def anywhere(mask: Tensor) -> bool:
    """Whether any element is true; of a batched tensor (``vmap``), in any of the examples.

    For checks of values, which are to see all that there is.
    """
    return bool(innermost(mask)._array.any())


# Elements of a tensor from which a copy is worth avoiding.
LARGE = 1 << 16


def takes_out(kernel: Any) -> bool:
    """Whether a kernel can write its result into an array given as ``out=``."""
    if hasattr(kernel, "nin"):
        return True
    try:
        return "out" in inspect.signature(kernel).parameters
    except (TypeError, ValueError):
        return False


def index_of(value: Any, argument: str = "dim") -> int:
    """An integer argument: Python's, NumPy's or a tensor's without dimensions, but no bool.

    Raises:
        TypeError: for anything else.
    """
    if not isinstance(value, (bool, np.bool_, np.ndarray)) and (
        not isinstance(value, Tensor)
        or (value._dtype is not dtypes.bool_ and not value._array.ndim)
    ):
        try:
            return index(value)
        except TypeError:
            pass
    raise TypeError(f"argument '{argument}' must be int, not {type(value).__name__}")


def normalize_dim(dim: int, ndim: int) -> int:
    """A dimension counted from the front.

    Raises:
        IndexError: when it is out of range.
        TypeError: when it is no integer.
    """
    if dim.__class__ is not int:
        dim = index_of(dim)
    bound = ndim or 1
    if not -bound <= dim < bound:
        if not -(2**63) <= dim < 2**63:
            raise ValueError(f"Overflow when unpacking long long: {dim}")
        raise IndexError(
            f"Dimension out of range (expected to be in range of [{-bound}, {bound - 1}], but got "
            f"{dim})"
        )
    return dim + bound if dim < 0 else dim


def existing_dim(dim: int, ndim: int) -> int:
    # As normalize_dim, where a 0-dim tensor has none.
    if not ndim:
        raise IndexError(f"Dimension specified as {dim} but tensor has no dimensions")
    return normalize_dim(dim, ndim)


def normalize_dims(dims: Sequence[int] | int, ndim: int) -> tuple[int, ...]:
    """Several distinct dimensions, or one, counted from the front.

    Raises:
        RuntimeError: when one is named twice.
    """
    if not isinstance(dims, (tuple, list)):
        return (normalize_dim(dims, ndim),)  # type: ignore[arg-type]
    found = tuple([normalize_dim(d, ndim) for d in dims])
    if len(set(found)) != len(found):
        twice = next(d for d in found if found.count(d) > 1)
        raise RuntimeError(f"dim {twice} appears multiple times in the list of dims")
    return found


# The ops whose ``out`` must have the result's type, as in PyTorch; others convert it.
_EXACT = frozenset(
    """abs addbmm addmm addmv alias_copy amax amin as_strided_copy avg_pool baddbmm bitwise_not
    ceil chain_matmul conj_physical cross diag diagonal_copy expand_copy floor frac frexp gather
    gelu hardshrink heaviside histc index_add index_copy index_reduce index_select isin isneginf
    isposinf ldexp linalg.cholesky linalg.cross linalg.det linalg.eigvalsh linalg.inv
    linalg.lu_solve linalg.matrix_norm linalg.matrix_power linalg.solve
    linalg.solve_triangular linalg.svdvals linalg.vecdot linalg.vector_norm linear log_sigmoid
    log_softmax logcumsumexp masked_select matmul msort multi_dot nan_to_num neg nonzero
    nonzero_static norm ormqr permute_copy renorm round scatter scatter_add scatter_reduce sgn
    sign signbit slice_scatter softmax softplus softshrink split_with_sizes_copy squeeze_copy
    t_copy take tensordot torch.linalg.ldl_solve transpose_copy tril triu trunc unbind_copy
    cumprod cumsum unfold_copy unsqueeze_copy view_copy where""".split()
)


def check_out_type(op_name: str, result: dtype, target: Tensor) -> None:
    """Raises RuntimeError where the result of an op is not to be converted to the type of out."""
    if result is not target._dtype and op_name in _EXACT:
        raise RuntimeError(
            f"Expected out tensor to have dtype {result.name}, but got {target._dtype.name} "
            f"instead ({op_name})"
        )


def check_result(
    op_name: str, target: Tensor, shape: tuple[int, ...], result: dtype, inplace: bool
) -> None:
    """Raises RuntimeError where a target is not to be given a result of that shape and type.

    It is not where the result's category does not fit the target's type, and in place where the
    shape is another.
    """
    if not inplace:
        check_out_type(op_name, result, target)
    if 0 in target._array.strides:
        check_memory(op_name, target)
    if not can_cast(result, target._dtype):
        raise RuntimeError(
            f"result type {result.class_name} can't be cast to the desired output type "
            f"{target._dtype.class_name} ({op_name}; convert with .to() first)"
        )
    if inplace and shape != target._array.shape:
        raise RuntimeError(
            f"output with shape {list(target._array.shape)} doesn't match the broadcast shape "
            f"{list(shape)} ({op_name}: an operand that is written to keeps its shape)"
        )


def store(
    op_name: str, backend: Backend, target: Tensor, array: Any, result: dtype, inplace: bool
) -> None:
    """Writes a computed result into the target of an in-place or out variant.

    Raises:
        RuntimeError: see :func:`check_result`.
    """
    check_result(op_name, target, array.shape, result, inplace)
    if array.shape != target._array.shape:
        resize_out(op_name, backend, target, array.shape)
    backend.copy_into(target._array, array)
    mark_written(target)


def check_memory(
    op_name: str,
    target: Tensor,
    inputs: Iterable[Any] = (),
    apart: bool = False,
    repeats: bool = False,
) -> None:
    """Raises RuntimeError where a write to ``target`` would be seen by more than its own elements.

    Args:
        op_name: for messages.
        target: what is written to.
        inputs: the other arguments. One that has a part of the target's memory is refused.
        apart: whether one that has exactly the target's memory is refused, too.
        repeats: whether elements of the target may lie in one place.
    """
    array = target._array
    if 0 in array.strides and _repeats(array):
        if not repeats:
            raise RuntimeError(
                f"unsupported operation: more than one element of the tensor that is written to "
                f"lies in a single memory location; clone() it first ({op_name}: shape "
                f"{list(array.shape)}, strides {list(target.stride())})"
            )
        warn(f"Use of {op_name} on expanded tensors is deprecated; clone() the tensor first.")
    storage = target._storage
    for each in inputs:
        if each is target:
            meets = apart and array.size
        else:
            meets = (
                storage is not None
                and getattr(each, "_storage", None) is storage
                and _meet(target, each, apart)
            )
        if meets:
            raise RuntimeError(
                f"unsupported operation: an input and the tensor that is written to have a single "
                f"memory location in common; clone() one of them first ({op_name}: shape "
                f"{list(array.shape)})"
            )


def _repeats(array: Any) -> bool:
    # Whether an array has elements in one place because of a stride of 0.
    steps = zip(array.shape, array.strides, strict=True)
    return bool(array.size) and any(not step and size > 1 for size, step in steps)


def _meet(target: Tensor, each: Tensor, apart: bool) -> bool:
    # Whether two tensors of one storage share memory, as far as that is told by where they end.
    #
    # With gaps in one of them it is not told. One that is the other, in the same order, counts only
    # where they are to be ``apart``.
    extents = []
    for tensor in (target, each):
        count = reach(tensor._array.shape, tensor.stride())
        if not count or count != tensor._array.size:
            return False
        start = tensor.storage_offset() * tensor._dtype.itemsize
        extents.append((start, start + count * tensor._dtype.itemsize))
    (first, last), (start, end) = extents
    if start >= last or first >= end:
        return False
    return apart or extents[0] != extents[1] or target.stride() != each.stride()


def resize_out(op_name: str, backend: Backend, target: Tensor, shape: tuple[int, ...]) -> None:
    """Gives an out tensor the result's shape, with a warning where it had elements."""
    if target._array.size:
        from lamella_core.warning import warn

        warn(
            f"An output with one or more elements was resized since it had shape "
            f"{list(target._array.shape)}, which does not match the required output shape "
            f"{list(shape)}. Resize it to 0 elements first to reuse it."
        )
    resize(target, shape)


@cache
def _kernel_call_code(kinds: tuple[str, ...], checks: bool, names: bool) -> CodeType:
    given, arrays = [], []
    for i, kind in enumerate(kinds):
        value = f"a{i}"
        given.append(value)
        if kind == "tensors":
            value = f"[each._array for each in {value}]"
        elif kind == "tensor":
            value += "._array"
        elif kind not in ("value", "device"):
            value = f"{value} if {value}.__class__ in plain else {value}._array"
        arrays.append(value)
    source = f"""
def call({", ".join(given)}):
    {f"if a0._dtype not in types: return other({', '.join(given)})" if checks else ""}
    result = kernel({", ".join(arrays)})
    if result.__class__ is not array_type:
        return {"new(returns, wrap_all(result, backend))" if names else "wrap_all(result, backend)"}
    tensor = blank()
    tensor._array = result
    tensor._dtype = of_numpy[result.dtype]
    tensor._key = key
    tensor._storage = tensor._graph = tensor._view = tensor._grad = None
    return tensor
"""
    return compile(source, "<call of a kernel>", "exec")


def kernel_call(
    op: Op,
    kernel: Any,
    backend: Backend,
    types: frozenset[dtype] | None = None,
    other: Any = None,
    returns: type | None = None,
) -> Any:
    """A call of a kernel with arrays in the place of tensors; taking any number of arguments and
    looking at each would cost as much as many a kernel.

    Args:
        types: the types of the first tensor for which it is made; for others it is ``other``.
        returns: the class of several results.
    """
    kinds = tuple([param.kind for param in op.params])
    namespace: dict[str, Any] = {
        "kernel": kernel, "backend": backend, "types": types, "other": other, "returns": returns,
        "array_type": backend.array_type, "key": backend.key, "plain": _PLAIN, "blank": blank,
        "of_numpy": dtypes.OF_NUMPY, "wrap_all": wrap_all, "new": tuple.__new__,
        "__name__": __name__,
    }  # fmt: skip
    exec(_kernel_call_code(kinds, types is not None, returns is not None), namespace)
    return namespace["call"]


_PLAIN = frozenset((type(None), bool, int, float, complex))


def wrap_all(result: Any, backend: Backend) -> Any:
    """Wraps what a kernel returned, one array or several, by the arrays' own types."""
    if result.__class__ is backend.array_type:
        return wrap(result, dtypes.OF_NUMPY[result.dtype], backend.key)
    if isinstance(result, (tuple, list)):
        array_type, key = backend.array_type, backend.key
        wrapped = [
            wrap(each, dtypes.OF_NUMPY[each.dtype], key)
            if each.__class__ is array_type
            else wrap_all(each, backend)
            for each in result
        ]
        return wrapped if isinstance(result, list) else tuple(wrapped)
    result = backend.as_array(result)
    return wrap(result, dtypes.OF_NUMPY[result.dtype], backend.key)
