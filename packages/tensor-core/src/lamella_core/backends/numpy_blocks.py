"""Pointwise kernels on large NumPy arrays, block by block: what is in between stays small.

A kernel that is an expression of several NumPy calls makes an array for each of them. Over blocks
that stay in the cache these cost neither memory nor the passes through it.
"""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from lamella_core import dtype as dtypes
from lamella_core.offers import offers, room
from lamella_core.parallel import shares, spread, thread_count
from lamella_core.quiet import quiet

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

# Elements of a block, of which two threads need less than 1 MB for four arrays of float32, and the
# size from which an array is worth cutting up.
_BLOCK = 26624
LARGE = 131072
SINGLE = np.dtype(np.float32)
_HALF = np.dtype(np.float16)
# Numbers from which float16 is converted by its bits.
_FEW_HALVES = 8192


# Faster conversions, by the types that they are from and to.
casts: Any = {}


def converted(array: Any, dtype: Any) -> Any:
    # The array itself where it is of the type, or a copy in it. Of arrays of other libraries a
    # plugin knows nothing, and of those without dimensions it makes NumPy's scalars.
    cast = array.__class__ is np.ndarray and array.ndim and casts.get((array.dtype, dtype))
    return array.astype(dtype, copy=False) if not cast else cast(array)


def by_blocks(
    kernel: Callable[..., Any], takes_out: bool, count: int | None = None
) -> Callable[..., Any]:
    # A pointwise kernel that takes large arrays block by block, and can write into ``out``.
    #
    # Args:
    #     kernel: any but a ufunc, which makes no temporary arrays.
    #     takes_out: whether the kernel itself has an argument ``out``.
    #     count: how many arguments it takes; one or two are passed on without being packed.
    array_type = np.ndarray

    def call_one(first: Any, *, out: Any = None) -> Any:
        if out is None and first.size < LARGE:
            return kernel(first)
        return call(first, out=out)

    def call_two(first: Any, second: Any, *, out: Any = None) -> Any:
        if out is None and not (
            (first.__class__ is array_type and first.size >= LARGE)
            or (second.__class__ is array_type and second.size >= LARGE)
        ):
            return kernel(first, second)
        return call(first, second, out=out)

    def call(*args: Any, out: Any = None) -> Any:
        for each in args:
            if each.__class__ is array_type and each.size >= LARGE:
                return _run(kernel, args, out, takes_out)
        if out is None:
            return kernel(*args)
        if takes_out:
            return kernel(*args, out=out)
        out[...] = kernel(*args)
        return out

    return call_one if count == 1 else call_two if count == 2 else call


def _by_bits(array: Any) -> Any:
    # float16 as float32, faster than by NumPy.
    if array.size < _FEW_HALVES:
        return array.astype(SINGLE)
    half = array.view(np.int16)
    bits = half.astype(np.int32)
    bits <<= 13
    bits &= ~0x70000000  # copies of the sign
    values = bits.view(SINGLE)
    # Exponents are too small by as much, of denormal numbers too.
    values *= 2.0**112
    # As numbers without a sign the negative infinity and NaN are the largest, too.
    if half.max() >= 0x7C00 or half.view(np.uint16).max() >= 0xFC00:
        bits |= (abs(values) >= 65536) * np.int32(0x7F800000)
    return values


def _to_half(array: Any, out: Any = None) -> Any:
    # float32 as float16. For what is denormal then, NumPy takes thirty times as long; the rest is
    # faster in its one call, as threads wait for each other between several.
    if out is None:
        out = np.empty_like(array, _HALF)
    few = array.size < _FEW_HALVES
    sample: Any = few or np.abs(array.flat[:: array.size // 256])
    if few or not (sample * (sample < 2.0**-14)).any():
        out[...] = array
        return out
    size = np.abs(array)
    finite = size.max() < 65536
    if not finite:
        np.minimum(size, 65536, out=size)
    # To 2**13 of the leading bit, or of the least normal number, the processor adds what float16
    # holds, rounded: the last bits of the sum, as the exponent is in its first ones.
    bits = np.maximum(size, 2.0**-14).view(np.int32)
    bits &= 0x7F800000
    bits += 13 << 23
    size += bits.view(SINGLE)
    total = size.view(np.int32)
    np.right_shift(total, 13, out=bits)
    bits += total
    bits -= 126 << 10
    np.right_shift(array.view(np.int32), 16, out=total)
    total &= 0x8000
    bits |= total
    out.view(np.int16)[...] = bits
    if not finite:
        nan = np.isnan(array)
        out[nan] = array[nan]
    return out


casts[_HALF, SINGLE] = by_blocks(_by_bits, False, 1)


def _run(kernel: Callable[..., Any], args: tuple[Any, ...], out: Any, takes_out: bool) -> Any:
    shape = np.broadcast_shapes(*[each.shape for each in args if each.__class__ is np.ndarray])
    given = [each for each in args if each.__class__ is np.ndarray and each.shape == shape]
    if out is not None and any(
        _in_the_way(each, out) for each in args if each.__class__ is np.ndarray
    ):
        out[...] = kernel(*args)
        return out
    places = [i for i, each in enumerate(args) if each.__class__ is np.ndarray and each.ndim]
    order: Any = range(len(shape))
    if given and 0 not in given[0].strides:
        # Along the memory of the first whole array, whose order of dimensions the result gets.
        order = sorted(order, key=[-s for s in given[0].strides].__getitem__)
    arrays = [_aligned(args[i], len(shape)).transpose(order) for i in places]
    target = None if out is None else out.transpose(order)
    size = tuple([shape[dim] for dim in order])
    every = arrays if target is None else [*arrays, target]
    if all(each.shape == size and each.flags.c_contiguous for each in every):
        arrays = [each.reshape(-1) for each in arrays]
        target = None if target is None else target.reshape(-1)
        size = (arrays[0].size,)
    result = _fill(kernel, args, places, arrays, size, target, takes_out)
    if out is not None:
        return out
    back = sorted(range(len(order)), key=order.__getitem__)
    return result.reshape([shape[dim] for dim in order]).transpose(back)


def _in_the_way(array: np.ndarray, out: np.ndarray) -> bool:
    # Whether writing one block of ``out`` may change another block of ``array``.
    if array is out or (
        array.strides == out.strides
        and array.__array_interface__["data"] == out.__array_interface__["data"]
    ):
        return False
    return np.may_share_memory(array, out)


def _aligned(array: np.ndarray, ndim: int) -> np.ndarray:
    return array if array.ndim == ndim else array.reshape((1,) * (ndim - array.ndim) + array.shape)


def _fill(
    kernel: Callable[..., Any],
    args: tuple[Any, ...],
    places: list[int],
    arrays: list[np.ndarray],
    size: tuple[int, ...],
    target: Any,
    takes_out: bool,
) -> np.ndarray:
    # Runs the kernel over blocks of the first dimension; of the longest if its rows are long.
    dim = 0 if prod(size[1:]) < LARGE else max(range(len(size)), key=size.__getitem__)
    length = size[dim]
    before = (slice(None),) * dim
    step = max(_BLOCK * length // max(prod(size), 1), 1)
    cut = [each.shape[dim] == length for each in arrays]

    def block(start: int, **out: Any) -> Any:
        part = (*before, slice(start, start + step))
        values = list(args)
        for i, each, is_cut in zip(places, arrays, cut, strict=True):
            values[i] = each[part] if is_cut else each
        return kernel(*values, **out)

    first = block(0)
    if target is None:
        target = np.empty(size, first.dtype)
    target[(*before, slice(step))] = first
    takes_out &= first.dtype == target.dtype
    del first

    def run(part: range) -> None:
        for start in part:
            if start:
                place = target[(*before, slice(start, start + step))]
                if takes_out:
                    block(start, out=place)
                else:
                    place[...] = block(start)

    spread(run, shares(length, step))
    return target


# Elements of a part of a reduction's input, of which two threads need less than 1 MB; up to eight
# threads get less each.
PART = 57344


def is_reduced(array: np.ndarray) -> bool:
    # Whether an array is of float16 or bfloat16, which kernels compute in float32.
    return array.itemsize == 2 and array.dtype.kind in "fV"


_HALVES: Any = dict.fromkeys([each.numpy for each in dtypes.REDUCED_PRECISION], SINGLE)
# The types in which PyTorch adds up.
SUMS = {**_HALVES, SINGLE: np.dtype("d"), np.dtype("F"): np.dtype("D")}


def widened(kernel: Callable[..., Any], types: Any = _HALVES) -> Callable[..., Any]:
    # A shared kernel on NumPy that computes types in wider ones by itself.

    def call(input: np.ndarray, *more: Any) -> Any:
        wide = types.get(input.dtype)
        if wide is None:
            return kernel(np, input, *more)
        results = kernel(np, converted(input, wide), *more)
        several = results.__class__ is tuple
        narrow = [
            converted(each, input.dtype) if each.dtype == wide else each
            for each in (results if several else (results,))
        ]
        return tuple(narrow) if several else narrow[0]

    return quiet(call)


def by_parts(
    kernel: Callable[..., Any],
    axis_at: int,
    keep_at: int,
    across: bool = False,
    elements: int = PART,
) -> Callable[..., Any]:
    # A shared kernel along an axis as :func:`in_parts` has it, which computes float16 and
    # bfloat16 in float32 by itself.
    call = in_parts(widened(kernel), axis_at, keep_at, across, elements)
    call.reduced_precision = True  # type: ignore[attr-defined]
    return call


def in_parts(
    kernel: Callable[..., Any],
    axis_at: int,
    keep_at: int,
    across: bool = False,
    elements: int = PART,
    cut: int = 0,
) -> Callable[..., Any]:
    # A kernel along an axis, over parts of the longest dimension that stays.
    #
    # ``axis_at`` and ``keep_at`` (-1: none) are the places of axis and ``keepdims`` after the
    # input, the first ``cut`` of what is there are cut up with it. With ``across`` not a contiguous
    # axis, but of half precision or of an array with gaps.
    def call(input: np.ndarray, *more: Any) -> Any:
        if (
            input.size < LARGE
            or (axis := more[axis_at]) is None
            or (
                across
                and not offers
                and input.strides[axis] == input.itemsize != 2
                and input.flags.forc
            )
        ):
            return kernel(input, *more)
        reduced = (axis,) if axis.__class__ is int else axis
        stays = [dim for dim in range(input.ndim) if dim not in reduced]
        if not stays:
            return kernel(input, *more)
        share = elements // (max(min(thread_count(), 8), 2) / 2)
        dim = _outermost(input, stays, int(share))[2]
        length = input.shape[dim]
        step = max(int(share * length) // input.size, 1)
        before = (slice(None),) * dim
        given = [True if i == keep_at else each for i, each in enumerate(more)]
        targets: list[np.ndarray] = []
        gone = keep_at >= 0 and not more[keep_at]

        def part(start: int) -> Any:
            place = (*before, slice(start, start + step))
            results = kernel(input[place], *[each[place] for each in more[:cut]], *given[cut:])
            several = results.__class__ is tuple
            results = results if several else (results,)
            if not start:
                for each in results:
                    shape = (*each.shape[:dim], length, *each.shape[dim + 1 :])
                    left = [size for i, size in enumerate(shape) if i in stays or not gone]
                    targets.append(room(np, tuple(left), each.dtype).reshape(shape))
            for target, each in zip(targets, results, strict=True):
                target[place] = each
            return several

        several = part(0)

        def run(starts: range) -> None:
            for start in starts:
                if start:
                    part(start)

        spread(run, shares(length, step))
        if gone:
            targets = [each.squeeze(axis) for each in targets]
        return tuple(targets) if several else targets[0]

    return call


def in_order(input: np.ndarray, elements: int, whole: int = 0) -> Iterator[np.ndarray]:
    # Views of about so many elements each, in the order of elements; the last dimensions stay.
    if input.flags.c_contiguous:
        input = input.reshape(-1, *input.shape[input.ndim - whole :])
    step = max(elements * len(input) // max(input.size, 1), 1)
    for start in range(0, len(input), step):
        if step == 1 and input.ndim > whole + 1:
            yield from in_order(input[start], elements, whole)
        else:
            yield input[start : start + step]


def pieces(
    input: np.ndarray, elements: int = PART, stays: tuple[int, ...] = ()
) -> list[np.ndarray]:
    # Such views in the order of memory, with those dimensions that stay as the last ones.
    cut = [dim for dim in range(input.ndim) if dim not in stays]
    cut.sort(key=[-s for s in input.strides].__getitem__)
    return list(in_order(input.transpose(*cut, *stays), elements, len(stays)))


def rows(piece: np.ndarray, stays: tuple[int, ...]) -> np.ndarray:
    # A piece with one dimension before those that stay; columns lie together if there are few.
    shape = piece.shape[piece.ndim - len(stays) :]
    piece = piece.reshape(-1, *shape)
    return np.asfortranarray(piece) if 1 < prod(shape) < 32 else piece


def _outermost(input: np.ndarray, dims: Iterable[int], share: int) -> tuple[int, ...]:
    # Of those dimensions that make enough parts, or are the longest, the one of the largest steps.
    enough = input.size // share
    return max([(min(input.shape[d], enough), abs(input.strides[d]), d) for d in dims], default=())


def remaining(input: np.ndarray, axis: Any) -> Any:
    # The dimensions that stay in a reduction which is better cut along the others; else None.
    reduced = range(input.ndim) if axis is None else (axis,) if axis.__class__ is int else axis
    stays = tuple([dim for dim in range(input.ndim) if dim not in reduced])
    # The results of all pieces are kept.
    if input.size * prod([input.shape[dim] for dim in stays]) > PART * PART:
        return None
    return stays if _outermost(input, stays, PART) < _outermost(input, reduced, PART) else None


def reduce_converted(
    kernel: Callable[..., Any],
    input: np.ndarray,
    compute: Any,
    axis: Any,
    keepdims: bool,
    joins: Any,
    result: Any,
) -> Any:
    # A reduction of a converted input, in the type ``result``; or with few results, of any type,
    # what ``joins``, where it is not None, makes of those of pieces: "mean" by their sizes.
    stays = None if joins is None else remaining(input, axis)
    if stays is None:

        def reduce(part: np.ndarray, *more: Any) -> Any:
            found = kernel(converted(part, compute), *more)
            return found if result is None else found.astype(result, copy=False)

        return in_parts(reduce, 0, 1)(input, axis, keepdims)
    several = pieces(input, 4 * PART // np.dtype(compute).itemsize, stays)
    found: list[Any] = [None] * len(several)
    over = 0 if stays else None

    def run(place: int) -> None:
        found[place] = kernel(rows(converted(several[place], compute), stays), over, False)

    spread(run, range(len(several)))
    if joins == "mean":
        weighted = [
            one * (part.size / input.size) for one, part in zip(found, several, strict=True)
        ]
        whole = np.add.reduce(weighted)
    else:
        whole = joins(np.asarray(found), over, False)
    if keepdims:
        whole = np.reshape(whole, [n if i in stays else 1 for i, n in enumerate(input.shape)])
    return whole


def scanned(kernel: Any, elements: int = PART, types: Any = _HALVES) -> Callable[..., Any]:
    # A shared kernel ``(input, axis)`` whose result at a place depends on the elements up to it,
    # and on these only by the result at the place before; block by block, as :func:`by_parts`.
    #
    # It may give places, too, and then takes the place of the first element's result and of that
    # element itself, 0 by default.
    whole = widened(kernel, types)

    def call(input: np.ndarray, axis: int) -> Any:
        if input.size < LARGE:
            return whole(input, axis)
        steps = [
            abs(step) for step, size in zip(input.strides, input.shape, strict=True) if size > 1
        ]
        step = 2 * elements * input.shape[axis] // input.size
        # Few rows that are long are taken in columns.
        few = step > 99 or (step and abs(input.strides[axis]) == max(steps))
        return (along if few else across)(input, axis)

    across = in_parts(call, 0, -1, False, elements)

    @quiet
    def along(input: np.ndarray, axis: int) -> Any:
        before = (slice(None),) * axis
        step = max(2 * elements * input.shape[axis] // input.size, 1)
        last = (*before, slice(-1, None))
        values, places = room(np, input.shape, input.dtype), None
        end: Any = None
        more: Any = ()
        for start in range(0, input.shape[axis], step):
            block = (*before, slice(start, start + step))
            part = converted(input[block], types.get(input.dtype, input.dtype))
            if start:
                part = np.concatenate((end, part), axis)
            results: Any = kernel(np, part, axis, *more)
            several = results.__class__ is tuple
            results = results if several else (results,)
            end = results[0][last].copy()
            if start:
                results = [each[(*before, slice(1, None))] for each in results]
            values[block] = results[0]
            if several:
                if places is None:
                    places = room(np, input.shape, np.int64)
                places[block] = results[1]
                stop = start + results[1].shape[axis]
                more = (places[block][last], stop - 1)
        return values if places is None else (values, places)

    call.reduced_precision = True  # type: ignore[attr-defined]
    return call


def by_matrices(count: int, kernel: Callable[..., Any]) -> Callable[..., Any]:
    # A kernel, whose first ``count`` arguments are matrices, for a part of a batch at a time.

    def some(*args: Any) -> Any:
        return kernel(*args[:count], *args[count + 1 :])

    # LAPACK gets copies of all operands, float32 as float64.
    in_batches = in_parts(some, count - 1, -1, elements=PART // (3 + count), cut=count - 1)

    def call(*args: Any) -> Any:
        if args[0].size < LARGE > args[count - 1].size:
            return kernel(*args)
        batch = np.broadcast_shapes(*[each.shape[:-2] for each in args[:count]])
        matrices = [np.broadcast_to(each, batch + each.shape[-2:]) for each in args[:count]]
        return in_batches(*matrices, (len(batch), len(batch) + 1), *args[count:])

    return call


# Kernels of other distributions call it, which are made quiet without it.
converted, reduce_converted = quiet(converted), quiet(reduce_converted)
casts[SINGLE, _HALF] = by_blocks(quiet(_to_half), True, 1)
