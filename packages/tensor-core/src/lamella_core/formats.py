"""Memory formats and layouts: how the elements of a tensor are ordered in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from numpy import ufunc

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


class _Named:
    # One object a name, in this process and where it is unpickled.
    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return f"torch.{self.name}"

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return _by_name, (self.name,)


class memory_format(_Named):
    """A named order of strides."""

    __slots__ = ()


class layout(_Named):
    """How a tensor keeps its elements.

    ``strided`` is the only one of the core's tensors; a package of sparse ones uses the others.
    """

    __slots__ = ()


contiguous_format = memory_format("contiguous_format")
preserve_format = memory_format("preserve_format")
channels_last = memory_format("channels_last")
channels_last_3d = memory_format("channels_last_3d")
strided = layout("strided")
sparse_coo = layout("sparse_coo")
sparse_csr = layout("sparse_csr")
sparse_csc = layout("sparse_csc")
sparse_bsr = layout("sparse_bsr")
sparse_bsc = layout("sparse_bsc")

_NAMES = {
    each.name: each
    for each in (
        contiguous_format,
        preserve_format,
        channels_last,
        channels_last_3d,
        strided,
        sparse_coo,
        sparse_csr,
        sparse_csc,
        sparse_bsr,
        sparse_bsc,
    )
}


def _by_name(name: str) -> memory_format | layout:
    return _NAMES[name]


def check_layout(wanted: layout | None) -> None:
    """Raises RuntimeError for a layout that is not strided."""
    if wanted is not None and wanted is not strided:
        raise RuntimeError(f"layout {wanted!r} is not there; only torch.strided is")


def dense_strides(shape: Sequence[int], order: Sequence[int]) -> tuple[int, ...]:
    """Strides without gaps for dimensions laid out in ``order``, outermost first."""
    strides = [0] * len(shape)
    step = 1
    for dim in reversed(order):
        strides[dim] = step
        step *= max(shape[dim], 1)
    return tuple(strides)


def reach(shape: Sequence[int], strides: Sequence[int]) -> int:
    """Elements of memory from the first to the last of an array, both counted; 0 if it has none."""
    if 0 in shape:
        return 0
    return 1 + sum([(n - 1) * step for n, step in zip(shape, strides, strict=True)])


def shown_strides(shape: Sequence[int], strides: Sequence[int]) -> tuple[int, ...]:
    """Strides as PyTorch has them where an array's are 0, which NumPy says of what takes no step.

    A new dimension of size 1 goes over all of the next one. An array of no elements may have no
    strides of its own; it is laid out as if it had some.
    """
    if 0 in shape and not any(strides):
        return dense_strides(shape, range(len(shape)))
    found = list(strides)
    for dim in reversed(range(len(found))):
        if not found[dim] and shape[dim] == 1:
            found[dim] = shape[dim + 1] * found[dim + 1] if dim + 1 < len(found) else 1
    return tuple(found)


def order_of(shape: Sequence[int], *operands: Sequence[int]) -> list[int]:
    """The dimensions from the outermost to the innermost, as the strides of operands have them.

    The first operand that tells two dimensions apart decides. A dimension of stride 0 has no place
    of its own and keeps the one it has; equal strides are told apart by size. It is an insertion
    sort from the innermost dimension on, as the order is not total.
    """
    order = list(range(len(shape)))
    for i in reversed(order[:-1]):
        place = i
        for j in range(i + 1, len(order)):
            outer, inner = order[place], order[j]
            for strides in operands:
                a, b = strides[outer], strides[inner]
                if a and b and (a != b or shape[outer] < shape[inner]):
                    break
            else:
                continue
            if a > b:
                break
            order[place], order[j] = inner, outer
            place = j
    return order


def in_order(kernel: Callable[..., Any], array_type: Any) -> Callable[..., Any]:
    """A pointwise kernel whose results lie in memory in the order of :func:`order_of`.

    NumPy's are row-major where operands differ in their order.
    """
    # What is to be done, by the shapes and strides of the operands: the order to bring them in,
    # none where the kernel finds it itself; the way back; whether the result is to be rearranged.
    plans: dict[Any, tuple[Sequence[int], Sequence[int], bool]] = {}

    def follow(plan: Any, args: Sequence[Any]) -> Any:
        order, back, copies = plan
        result = kernel(*[_transposed(a, order) if a.__class__ is array_type else a for a in args])
        return (result.copy("C") if copies else result).transpose(back)

    def first(places: Any, args: Sequence[Any]) -> Any:
        if len(plans) >= 256:
            plans.clear()
        order = _order_of_result([a for a in args if a.__class__ is array_type])
        result = kernel(*args)
        if result.transpose(order).flags.c_contiguous:
            plans[places] = _AS_IT_IS
            return result
        del result
        back = sorted(order, key=order.__getitem__)
        result = follow((order, back, False), args)
        copies = not result.transpose(order).flags.c_contiguous
        plan = plans[places] = order, back, copies
        return follow(plan, args) if copies else result

    def call(*args: Any) -> Any:
        places = tuple([(a.shape, a.strides) for a in args if a.__class__ is array_type])
        plan = plans.get(places)
        if plan is None:
            return first(places, args)
        return kernel(*args) if plan is _AS_IT_IS else follow(plan, args)

    def unary(array: Any) -> Any:
        return call(array) if 0 in array.strides else kernel(array)

    def binary(left: Any, right: Any) -> Any:
        if left.__class__ is not array_type or right.__class__ is not array_type:
            return call(left, right)
        places = left.shape, left.strides, right.shape, right.strides
        plan = plans.get(places)
        if plan is None:
            return first(places, (left, right))
        if plan is _AS_IT_IS:
            return kernel(left, right)
        if plan[0] == [1, 0] and kernel.__class__ is ufunc:
            return kernel(left, right, order="F")
        return follow(plan, (left, right))

    calls: dict[int, Callable[..., Any]] = {1: unary, 2: binary}
    return calls.get(getattr(kernel, "nin", 0), call)


_AS_IT_IS: Any = (), (), False


def _order_of_result(arrays: list[Any]) -> list[int]:
    ndim = max([each.ndim for each in arrays])
    aligned = [(1,) * (ndim - each.ndim) + each.shape for each in arrays]
    shape = [max(sizes, key=lambda size: size != 1) for sizes in zip(*aligned, strict=True)]
    operands = []
    for sizes, each in zip(aligned, arrays, strict=True):
        steps = (0,) * (ndim - each.ndim) + each.strides
        pairs = zip(sizes, shape, steps, strict=True)
        operands.append([step if size == wanted else 0 for size, wanted, step in pairs])
    return order_of(shape, *operands)


def _transposed(array: Any, order: list[int]) -> Any:
    missing = len(order) - array.ndim
    if missing:
        if not array.ndim:
            return array
        array = array.reshape((1,) * missing + array.shape)
    return array.transpose(order)


def channels_last_order(ndim: int, wanted: memory_format) -> tuple[int, ...]:
    """The order of dimensions of a channels-last format.

    Raises:
        RuntimeError: when the tensor has not 4 (``channels_last``) or 5 dimensions.
    """
    needed = 4 if wanted is channels_last else 5
    if ndim != needed:
        raise RuntimeError(f"required rank {needed} tensor to use {wanted.name} format")
    return (0, *range(2, ndim), 1)


def suggests_channels_last(array: Any) -> bool:
    """Whether an array of 4 or 5 dimensions has its channels, dimension 1, innermost in memory.

    As in PyTorch, strides decide where sizes of 1 leave several orders. A backend sets the strides
    of dimensions of size 1 as it likes, though, so these count only where no place is left.
    """
    ndim = array.ndim
    if ndim != 4 and ndim != 5:
        return False
    strides = array.strides
    if strides[1] > strides[-1] or not strides[1]:
        return False
    shape = array.shape
    counts_all = all(size == 1 for size in shape[2:])
    least = 0
    for dim in (1, *range(ndim - 1, 1, -1), 0):
        size, step = shape[dim], strides[dim]
        if not size:
            return False
        if size == 1 and dim != 1 and not counts_all:
            continue
        if step < least or (not dim and least == strides[1]):
            return False
        least = step * size
    return True
