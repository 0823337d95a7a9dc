"""How the body of an update is run over lists of arrays.

A *body* is the arithmetic of one parameter's update, written in functions of an array namespace
with an ``out`` argument: ``body(xp, arrays, scratch, constants, flags)``. ``arrays`` holds the
parameter, its gradient and its states, ``scratch`` two arrays of the parameter's shape, and
``constants`` numbers. All but the gradient may be written to. Each function returns what it wrote,
and the body goes on with that, so that the same body runs on tensors as well, where nothing is
written in place before the end (``recorded.py``).

On the CPU a large parameter is cut into blocks that stay in the cache while all of the body's
steps pass over them, so that memory is read and written once a step of the optimizer, and no
temporary of a parameter's size is made.

Updates that need sums or products over a whole parameter have no body, but use ``blocks_of``,
``scratch_pair`` and ``in_kind`` to pass over it in the same way.
"""

from __future__ import annotations

import math
import threading
from typing import TYPE_CHECKING, Any

import numpy as np

from lamella_core.backends.numpy_blocks import SINGLE, converted
from lamella_core.dispatch import register_kernel
from lamella_core.parallel import spread, thread_count
from lamella_core.quiet import quiet

if TYPE_CHECKING:
    from collections.abc import Callable

    Body = Callable[[Any, tuple[Any, ...], tuple[Any, Any], Any, Any], None]

# In elements. Measured for Adam in float32: 16k to 128k are within 5 %, 4k costs 20 %, whole
# parameters of a million 60 %.
BLOCK = 32768
# Fewer elements than this are done by the calling thread alone.
PARALLEL = 8 * BLOCK
# Parameters up to this size are not cut up for one thread: with their states they stay in a cache
# of a megabyte or so, and the calls for further blocks cost a tenth of Adam's time.
WHOLE = 4 * BLOCK
# The most forms of arrays that a thread keeps views of its scratch memory for, and the most numbers
# of one type that are kept.
FORMS = 256


class ListKernel:
    """The kernel of an update op, made from the function that prepares it.

    Attributes:
        prepare: takes the op's arguments and returns the body, the lists of arrays
            ``(params, grads, states, ...)``, the constants for each parameter and the flags.
    """

    __slots__ = ("_quiet", "prepare")

    def __init__(self, prepare: Callable[..., Any]) -> None:
        self.prepare = prepare
        self._quiet: Any = None

    def prepared(self, args: tuple[Any, ...]) -> tuple[Body, Any, Any, Any]:
        if self._quiet is None:
            self._quiet = quiet(self.prepare)
        return self._quiet(*args)

    def on_cpu(self, *args: Any) -> None:
        """The kernel for NumPy arrays: block by block."""
        run_blocks(*self.prepared(args))

    def shared(self, xp: Any, *args: Any) -> None:
        """The kernel for any other array namespace: parameter by parameter.

        A namespace may have a faster way, ``run_bodies(body, lists, constants, flags)``, for arrays
        that are contiguous and constants that are numbers.
        """
        body, lists, constants, flags = self.prepared(args)
        run_bodies = getattr(xp, "run_bodies", None)
        fast: tuple[list[Any], list[Any]] = ([], [])
        for arrays, numbers in zip(zip(*lists, strict=True), constants, strict=True):
            arrays = tuple([_as_real(a) for a in arrays])
            if run_bodies is not None and all([isinstance(each, (int, float)) for each in numbers]):
                contiguous = all([each.flags.c_contiguous for each in arrays])
                flat = arrays if contiguous else _flattened(arrays)
                if flat is not None:
                    fast[0].append(flat)
                    fast[1].append(numbers)
                    continue
            scratch = (xp.empty_like(arrays[0]), xp.empty_like(arrays[0]))
            body(xp, arrays, scratch, numbers, flags)
        if run_bodies is not None and fast[0]:
            run_bodies(body, *fast, flags)


def list_kernel(name: str) -> Callable[[Callable[..., Any]], ListKernel]:
    """Decorator: registers the kernels of the op ``name`` from the function that prepares them."""

    def register(prepare: Callable[..., Any]) -> ListKernel:
        kernel = ListKernel(prepare)
        register_kernel(name, kernel.shared)
        register_kernel(name, kernel.on_cpu, "cpu")
        return kernel

    return register


def run_blocks(body: Body, lists: Any, constants: Any, flags: Any) -> None:
    """Runs a body over lists of NumPy arrays."""
    blocks: list[Any] = []
    run = body
    total = sum([param.size for param in lists[0]])
    largest = WHOLE if total < PARALLEL else BLOCK
    known_numbers: Any = None
    known_kind: Any = None
    scalars: Any = None
    is_complex = False
    for arrays, numbers in zip(zip(*lists, strict=True), constants, strict=True):
        param = arrays[0]
        kind = param.dtype
        if numbers is not known_numbers or kind is not known_kind:
            known_numbers, known_kind = numbers, kind
            known = _scalars.get(kind)
            if known is None:
                known = _scalars[kind] = _Scalars(kind)
            scalars = tuple([known[number] for number in numbers])
            is_complex = kind.kind == "c"
            if kind.itemsize == 2:
                run = _in_float32(body)
        if is_complex:
            arrays = tuple([_as_real(a) for a in arrays])
            param = arrays[0]
        size = param.size
        if size <= largest:
            blocks.append((arrays, scalars))
            continue
        flat = _flattened(arrays)
        if flat is None:
            blocks.append((arrays, scalars))
            continue
        for start in range(0, size, BLOCK):
            end = start + BLOCK
            blocks.append((tuple([a[start:end] for a in flat]), scalars))
    if total < PARALLEL:
        _run(run, blocks, flags)
    else:
        length = -(-len(blocks) // thread_count())
        parts = [blocks[start : start + length] for start in range(0, len(blocks), length)]
        spread(lambda part: _run(run, part, flags), parts)


def _run(body: Body, blocks: list[Any], flags: Any) -> None:
    pairs = _kept.pairs
    for arrays, scalars in blocks:
        param = arrays[0]
        kind = (param.shape, param.dtype)
        scratch = pairs.get(kind)
        if scratch is None:
            scratch = _scratch_pair(*kind)
        body(np, arrays, scratch, scalars, flags)


def _on_a_cache_line(nbytes: int) -> Any:
    """Memory for scratch. NumPy's begins anywhere in a line of 64 bytes, and vectors that lie
    across two lines cost Adam 7 %."""
    memory = np.empty(nbytes + 64, np.uint8)
    start = -memory.__array_interface__["data"][0] % 64
    return memory[start : start + nbytes]


class _Kept(threading.local):
    """Each thread's scratch memory, kept from call to call: fresh pages cost more than the work.

    So are the views of it for the forms of the parameters, which are the same at each step.
    """

    def __init__(self) -> None:
        self.memory = (_on_a_cache_line(8 * WHOLE), _on_a_cache_line(8 * WHOLE))
        self.pairs: dict[Any, tuple[Any, Any]] = {}


_kept = _Kept()


def _scratch_pair(shape: tuple[int, ...], kind: np.dtype) -> tuple[Any, Any]:
    nbytes = math.prod(shape) * kind.itemsize
    if nbytes > 8 * WHOLE:
        return np.empty(shape, kind), np.empty(shape, kind)
    pairs = _kept.pairs
    if len(pairs) >= FORMS:
        pairs.clear()
    first, second = _kept.memory
    pair = pairs[shape, kind] = (
        first[:nbytes].view(kind).reshape(shape),
        second[:nbytes].view(kind).reshape(shape),
    )
    return pair


class _Scalars(dict[Any, Any]):
    """Numbers as 0-dim arrays, which ufuncs take twice as fast as Python's.

    They are kept, as most of them are the same at each step.
    """

    __slots__ = ("kind",)

    def __init__(self, kind: np.dtype) -> None:
        if kind.itemsize == 2:
            kind = np.dtype(np.float32)
        elif kind.kind == "c":
            kind = np.dtype(f"f{kind.itemsize // 2}")
        self.kind = kind

    def __missing__(self, number: Any) -> Any:
        if len(self) >= FORMS:
            self.clear()
        array = self[number] = np.array(number, self.kind)
        return array


# By the type of the parameters.
_scalars: dict[np.dtype, _Scalars] = {}


def _as_real(array: Any) -> Any:
    """A complex array as a real one with the parts along a last dimension; others as they are."""
    if array.dtype.kind != "c":
        return array
    return array[..., None].view(f"f{array.dtype.itemsize // 2}")


def blocks_of(xp: Any, array: Any) -> list[tuple[slice, ...]]:
    """Indices that cover an array in blocks: on the CPU of the sizes above, elsewhere the whole."""
    if xp is not np or array.size <= WHOLE:
        return [(slice(None),) * array.ndim]
    return _cut(array.shape)


def _cut(shape: tuple[int, ...]) -> list[tuple[slice, ...]]:
    length, *rest = shape
    size = math.prod(rest)
    if size > BLOCK:
        inner = _cut(tuple(rest))
        return [(slice(i, i + 1), *index) for i in range(length) for index in inner]
    count = BLOCK // size
    whole = (slice(None),) * len(rest)
    return [(slice(start, start + count), *whole) for start in range(0, length, count)]


def scratch_pair(xp: Any, shape: tuple[int, ...], kind: Any) -> tuple[Any, Any]:
    """Two arrays for a block: on the CPU the thread's own, the same in every call."""
    if xp is np:
        return _scratch_pair(shape, np.dtype(kind))
    return xp.empty(shape, kind), xp.empty(shape, kind)


def in_kind(array: Any, out: Any) -> Any:
    """The array where its type is that of ``out``, or else its values in ``out``."""
    if array.dtype == out.dtype:
        return array
    out[...] = array
    return out


def _flattened(arrays: tuple[Any, ...]) -> list[Any] | None:
    """One-dimensional views of arrays that lie in memory in the same order, without gaps."""
    param = arrays[0]
    if all([a.flags.c_contiguous for a in arrays]):
        return [a.reshape(-1) for a in arrays]
    strides = param.strides
    if any(a.strides != strides for a in arrays):
        return None
    order = sorted(range(param.ndim), key=lambda dim: -strides[dim])
    turned = [a.transpose(order) for a in arrays]
    if not turned[0].flags.c_contiguous:
        return None
    return [a.reshape(-1) for a in turned]


_wide_bodies: dict[Any, Any] = {}


def _in_float32(body: Body) -> Body:
    """The body for half precision: computed in float32, rounded once at the end."""
    known = _wide_bodies.get(body)
    if known is None:
        known = _wide_bodies[body] = _Wide(body)
    return known


class _Wide:
    __slots__ = ("body",)

    def __init__(self, body: Body) -> None:
        self.body = body

    def __call__(self, xp: Any, arrays: Any, scratch: Any, constants: Any, flags: Any) -> None:
        if arrays[0].dtype.itemsize != 2:
            self.body(xp, arrays, scratch, constants, flags)
            return
        wide = tuple([converted(a, SINGLE) for a in arrays])
        self.body(xp, wide, (xp.empty_like(wide[0]), xp.empty_like(wide[0])), constants, flags)
        for i, array in enumerate(arrays):
            if i != 1:
                array[...] = converted(wide[i], array.dtype)


def gradient(xp: Any, param: Any, grad: Any, out: Any, weight_decay: Any, maximize: bool) -> Any:
    """The gradient that an update goes by: negated for ``maximize``, plus ``weight_decay * param``.

    Args:
        out: where it is put; the gradient itself is returned where it stays as it is.
        weight_decay: a constant, or None for no decay.
    """
    if weight_decay is None:
        return xp.negative(grad, out) if maximize else grad
    decay = xp.multiply(param, weight_decay, out)
    return xp.subtract(decay, grad, out) if maximize else xp.add(decay, grad, out)


def is_set(number: Any) -> bool:
    """Whether a hyperparameter has an effect: all but the number 0 do."""
    return not isinstance(number, (int, float)) or number != 0
