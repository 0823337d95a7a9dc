"""Array kernels of the views: each returns an array over the memory of its first argument."""

from __future__ import annotations

from typing import Any

from lamella_core.dispatch import shared_kernel


def restride(xp: Any, array: Any, shape: tuple[int, ...], strides: tuple[int, ...]) -> Any:
    # Another shape and other strides (in bytes) from the same first element on.
    return xp.lib.stride_tricks.as_strided(array, shape, strides)


def inferred_size(size: tuple[int, ...], count: int) -> tuple[int, ...]:
    # The size with -1 replaced by what the number of elements leaves.
    #
    # Raises:
    #     RuntimeError: when the elements do not fit.
    unknown = -1
    known = 1
    for i, n in enumerate(size):
        if n == -1:
            if unknown >= 0:
                raise RuntimeError(f"only one dimension can be inferred, got shape {list(size)}")
            unknown = i
        elif n < 0:
            raise RuntimeError(f"invalid shape dimension {n} at index {i} of shape {list(size)}")
        else:
            known *= n
    if unknown < 0:
        if known == count:
            return size
    elif known and not count % known:
        return (*size[:unknown], count // known, *size[unknown + 1 :])
    elif not known and not count:
        raise RuntimeError(
            f"cannot reshape tensor of 0 elements into shape {list(size)} because the unspecified "
            f"dimension size -1 can be any value and is ambiguous"
        )
    raise RuntimeError(f"shape '{list(size)}' is invalid for input of size {count}")


def viewed_strides(
    shape: tuple[int, ...], strides: tuple[int, ...], wanted: tuple[int, ...]
) -> list[int] | None:
    # The strides with which memory of ``shape`` and ``strides`` is seen in the shape ``wanted``.
    #
    # Neighbouring dimensions that follow one another without gaps form a run; each run must be
    # filled by whole wanted dimensions. None when that cannot be. Both shapes have equal size.
    result = [0] * len(wanted)
    place = len(wanted) - 1
    run, step = 1, strides[-1] if strides else 1
    for dim in range(len(shape) - 1, -1, -1):
        run *= shape[dim]
        outer = dim - 1
        follows = outer >= 0 and (shape[outer] == 1 or strides[outer] == run * step)
        if follows:
            continue
        taken = 1
        while place >= 0 and (taken < run or wanted[place] == 1):
            result[place] = taken * step
            taken *= wanted[place]
            place -= 1
        if taken != run:
            return None
        if outer >= 0:
            run, step = 1, strides[outer]
    while place >= 0:
        result[place] = result[place + 1] * wanted[place + 1] if place + 1 < len(wanted) else step
        place -= 1
    return result


@shared_kernel
def view(xp: Any, input: Any, size: tuple[int, ...]) -> Any:
    # An array namespace takes any negative size for -1.
    if input.flags.c_contiguous and (not size or min(size) >= -1):
        return input.reshape(size)
    size = inferred_size(size, input.size)
    strides = viewed_strides(input.shape, input.strides, size)
    if strides is None:
        raise RuntimeError(
            "view size is not compatible with input tensor's size and stride (at least one "
            "dimension spans across two contiguous subspaces). Use .reshape(...) instead. "
            f"(view: shape {list(input.shape)}, wanted {list(size)})"
        )
    return restride(xp, input, size, tuple(strides))


@shared_kernel
def view_dtype(xp: Any, input: Any, dtype: Any) -> Any:
    return input.view(dtype)


@shared_kernel
def permute(xp: Any, input: Any, dims: tuple[int, ...]) -> Any:
    return input.transpose(dims)


@shared_kernel
def transpose(xp: Any, input: Any, dim0: int, dim1: int) -> Any:
    return input.swapaxes(dim0, dim1)


def expanded(input: Any, size: tuple[int, ...]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    # The shape and the strides (in bytes) of an array with dimensions of size 1 repeated.
    #
    # A size of -1 stands for the size that there is.
    #
    # Raises:
    #     ValueError: when another size than 1 would change.
    missing = len(size) - input.ndim
    shape, strides = list(size), [0] * missing
    for have, step in zip(input.shape, input.strides, strict=True):
        place = len(strides)
        wanted = shape[place]
        if wanted == have:
            strides.append(step)
        elif wanted == -1:
            shape[place] = have
            strides.append(step)
        elif have == 1:
            strides.append(0)
        else:
            raise ValueError(f"size {have} cannot become {wanted}")
    return tuple(shape), tuple(strides)


@shared_kernel
def expand(xp: Any, input: Any, size: tuple[int, ...]) -> Any:
    return restride(xp, input, *expanded(input, size))


@shared_kernel
def unsqueeze(xp: Any, input: Any, dim: int) -> Any:
    shape = input.shape
    size = (*shape[:dim], 1, *shape[dim:])
    if input.flags.c_contiguous and input.size:
        return input.reshape(size)
    strides = input.strides
    step = shape[dim] * strides[dim] if dim < len(shape) else input.itemsize
    return restride(xp, input, size, (*strides[:dim], step, *strides[dim:]))


@shared_kernel
def squeeze(xp: Any, input: Any, dim: int | tuple[int, ...]) -> Any:
    return input.squeeze(dim)


@shared_kernel
def basic_index(xp: Any, input: Any, index: tuple[Any, ...]) -> Any:
    return input[index]


@shared_kernel
def basic_index_backward(
    xp: Any, source: Any, input_shape: tuple[int, ...], index: tuple[Any, ...]
) -> Any:
    result = xp.zeros(input_shape, source.dtype)
    result[index] = source
    return result


@shared_kernel
def unbind(xp: Any, input: Any, dim: int) -> Any:
    before = (slice(None),) * dim
    return [input[(*before, i, ...)] for i in range(input.shape[dim])]


@shared_kernel
def split_with_sizes(xp: Any, input: Any, split_sizes: tuple[int, ...], dim: int) -> Any:
    before = (slice(None),) * dim
    parts, start = [], 0
    for size in split_sizes:
        parts.append(input[(*before, slice(start, start + size))])
        start += size
    return parts


def diagonal_strides(
    input: Any, offset: int, dim1: int, dim2: int
) -> tuple[Any, tuple[int, ...], tuple[int, ...]]:
    # The part of an array where a diagonal begins, and the diagonal's shape and strides.
    shape, steps = input.shape, input.strides
    rows, columns = shape[dim1], shape[dim2]
    length = max(min(rows, columns - offset) if offset >= 0 else min(rows + offset, columns), 0)
    if offset and length:
        index: list[Any] = [slice(None)] * input.ndim
        index[dim2 if offset > 0 else dim1] = slice(abs(offset), None)
        input = input[tuple(index)]
    others = [d for d in range(len(shape)) if d not in (dim1, dim2)]
    size = (*[shape[d] for d in others], length)
    return input, size, (*[steps[d] for d in others], steps[dim1] + steps[dim2])


@shared_kernel
def diagonal(xp: Any, input: Any, offset: int, dim1: int, dim2: int) -> Any:
    return restride(xp, *diagonal_strides(input, offset, dim1, dim2))


@shared_kernel
def diagonal_backward(
    xp: Any, source: Any, input_shape: tuple[int, ...], offset: int, dim1: int, dim2: int
) -> Any:
    result = xp.zeros(input_shape, source.dtype)
    diagonal(xp, result, offset, dim1, dim2)[...] = source
    return result


@shared_kernel
def unfold(xp: Any, input: Any, dimension: int, size: int, step: int) -> Any:
    shape, strides = list(input.shape), list(input.strides)
    if not input.ndim:
        return restride(xp, input, (size,), (input.itemsize,))
    stride = strides[dimension]
    shape[dimension] = (shape[dimension] - size) // step + 1
    strides[dimension] = stride * step
    return restride(xp, input, (*shape, size), (*strides, stride))


@shared_kernel
def unfold_backward(
    xp: Any, source: Any, input_shape: tuple[int, ...], dimension: int, size: int, step: int
) -> Any:
    result = xp.zeros(input_shape, source.dtype)
    windows = unfold(xp, result, dimension, size, step)
    width = step if step > 16 else 1
    for start in range(0, size, width):
        # These places of all windows meet each element of the input once at most.
        part = (..., slice(start, start + width))
        windows[part] += source[part]
    return result


@shared_kernel
def real(xp: Any, input: Any) -> Any:
    return input.real


@shared_kernel
def imag(xp: Any, input: Any) -> Any:
    return input.imag


@shared_kernel
def view_as_real(xp: Any, input: Any) -> Any:
    parts = input.real
    return restride(xp, parts, (*input.shape, 2), (*input.strides, parts.itemsize))


@shared_kernel
def view_as_complex(xp: Any, input: Any) -> Any:
    return input.view(xp.complex64 if input.dtype.itemsize == 4 else xp.complex128)[..., 0]
