"""Random numbers: new tensors, samples of distributions, dropout."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lamella_core import dtype as dtypes
from lamella_core.composite import composite
from lamella_core.conventions.arguments import check_size, read_dtype, read_sizes
from lamella_core.conventions.arrays import arrays
from lamella_core.conventions.common import index_of, not_implemented_for, out_error
from lamella_core.conventions.creation import creation
from lamella_core.conventions.results import offering, place_of, sized, write_out
from lamella_core.device import CPU, MODES, Device, get_default_device
from lamella_core.dispatch import LIFTED, REQUIRES_GRAD, device_key, modes
from lamella_core.formats import check_layout, contiguous_format, preserve_format
from lamella_core.generator import source_of
from lamella_core.ops.creation import _finished, checked_sizes, sizes_of
from lamella_core.ops.creation_likes import empty_like
from lamella_core.ops.splitting import broadcast_shapes
from lamella_core.tensor import Tensor

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lamella_core.dtype import dtype
    from lamella_core.formats import layout, memory_format
    from lamella_core.generator import Generator
    from lamella_core.typing import DeviceLike

__all__ = [
    "bernoulli", "multinomial", "normal", "poisson", "rand", "rand_like", "randint",
    "randint_like", "randn", "randn_like", "randperm",
]  # fmt: skip


# ------------ new tensors


_rand = creation("rand(size, generator, dtype: dtype, device: Device | None)")
_randn = creation("randn(size, generator, dtype: dtype, device: Device | None)")
_randint = creation(
    "randint(low: int, high: int, size, generator, dtype: dtype, device: Device | None)"
)
_randperm = creation("randperm(n: int, generator, dtype: dtype, device: Device | None)")
_normal_of_size = creation(
    "normal_of_size(mean: float, std: float, size, generator, dtype: dtype, device: Device | None)"
)


_randint_table = _randint.op.table


def _place(
    generator: Generator | None, dtype: Any, device: Any, layout: Any, out: Tensor | None
) -> tuple[Any, Any]:
    # The dtype and device of a new tensor.
    check_layout(layout)
    if out is not None:
        return place_of(out, dtype)
    if generator is not None:
        source_of(generator, get_default_device() if device is None else Device(device))
    return dtype, device


def _drawn(name: str, make: Any, into: str, doc: str) -> Any:
    table = make.op.table

    def draw(
        *sizes: Any,
        size: Sequence[int] | None = None,
        generator: Generator | None = None,
        out: Tensor | None = None,
        dtype: dtype | None = None,
        layout: layout | None = None,
        device: DeviceLike | None = None,
        requires_grad: bool = False,
        pin_memory: bool = False,
    ) -> Tensor:
        shape = sizes if sizes and sizes[0].__class__ is int else sizes_of(name, sizes, size)
        source = None
        if generator is not None or out is not None or layout is not None:
            source = source_of(generator)
            dtype, device = _place(generator, dtype, device, layout, out)
            if out is not None:
                return getattr(sized(out, checked_sizes(name, shape)), into)(generator=generator)
        if dtype is None:
            dtype = dtypes.defaults.floating
        try:
            # What device_key would say of no device, without the call.
            place = CPU.bit if device is None and not MODES else device_key(device)
            tensor = table[modes.bits | place](shape, source, dtype, device)
        except (AttributeError, TypeError, ValueError):
            tensor = make(checked_sizes(name, shape), source, read_dtype(name, dtype), device)
        if not pin_memory is requires_grad is False:
            return _finished(name, tensor, out, requires_grad, pin_memory)
        return tensor

    draw.__name__ = draw.__qualname__ = name
    draw.__doc__ = doc
    return draw


rand = _drawn(
    "rand",
    _rand,
    "uniform_",
    """Numbers uniform on [0, 1).

    Args:
        sizes, size: the shape, as integers or one sequence.
        generator: the source; the device's default one if None.
        dtype: floating or complex; the default floating type if None.

    Raises:
        NotImplementedError: for another type.
    """,
)
randn = _drawn(
    "randn",
    _randn,
    "normal_",
    "Normal numbers of mean 0 and variance 1, by the method of Box and Muller; see :func:`rand`.",
)


def randint(
    *args: Any,
    low: int | None = None,
    high: int | None = None,
    size: Sequence[int] | None = None,
    generator: Generator | None = None,
    out: Tensor | None = None,
    dtype: dtype | None = None,
    layout: layout | None = None,
    device: DeviceLike | None = None,
    requires_grad: bool = False,
    pin_memory: bool = False,
) -> Tensor:
    """Integers uniform on [low, high): ``randint(high, size)`` or ``randint(low, high, size)``.

    Args:
        low: the least number; 0 by default.
        high: one more than the greatest.
        size: the shape, a sequence.
        generator: the source; the device's default one if None.
        dtype: int64 if None.

    Raises:
        RuntimeError: when ``low`` is not less than ``high``, or an end does not fit the type.
        TypeError: when an argument is missing or of another type.
    """
    given = len(args)
    if given == 3 and low is None and high is None and size is None:
        low, high, size = args
        given = 0
    if size is None and given and isinstance(args[-1], (tuple, list)):
        given -= 1
        size = args[given]
    if high is None and given:
        given -= 1
        high = args[given]
    if low is None and given:
        given -= 1
        low = args[given]
    if given or high is None or not isinstance(size, (tuple, list)):
        raise TypeError(
            "randint(): expected (high, size) or (low, high, size) with size a tuple of ints, got "
            + ", ".join(type(a).__name__ for a in args)
        )
    source = None
    if generator is not None or out is not None or layout is not None:
        source = source_of(generator)
        dtype, device = _place(generator, dtype, device, layout, out)
    dtype = dtypes.int64 if dtype is None else read_dtype("randint", dtype)
    low = 0 if low is None else low if low.__class__ is int else index_of(low, "low")
    high = high if high.__class__ is int else index_of(high, "high")
    if out is not None:
        target = sized(out, checked_sizes("randint", size))
        return target.random_(low, high, generator=generator)
    try:
        place = CPU.bit if device is None and not MODES else device_key(device)
        tensor = _randint_table[modes.bits | place](low, high, size, source, dtype, device)
    except (AttributeError, TypeError, ValueError):
        tensor = _randint(low, high, checked_sizes("randint", size), source, dtype, device)
    if not pin_memory is requires_grad is False:
        return _finished("randint", tensor, None, requires_grad, pin_memory)
    return tensor


def randperm(
    n: int,
    *,
    generator: Generator | None = None,
    out: Tensor | None = None,
    dtype: dtype | None = None,
    layout: layout | None = None,
    device: DeviceLike | None = None,
    requires_grad: bool = False,
    pin_memory: bool = False,
) -> Tensor:
    """The integers from 0 to ``n - 1`` in random order.

    Args:
        n: how many.
        generator: the source; the device's default one if None.
        dtype: int64 if None.

    Raises:
        RuntimeError: for a negative ``n``, or one that the type cannot hold.
    """
    n = n if n.__class__ is int else index_of(n, "n")
    if n < 0:
        raise RuntimeError(f"n must be non-negative, got {n} (randperm)")
    source = source_of(generator)
    dtype, device = _place(generator, dtype, device, layout, out)
    dtype = dtypes.int64 if dtype is None else read_dtype("randperm", dtype)
    if out is not None:
        sized(out, (n,))
    tensor = offering(out, _randperm)(n, source, dtype, device)
    return _finished("randperm", tensor, out, requires_grad, pin_memory)


def _drawn_like(name: str, make: Any, into: str, doc: str) -> Any:
    def draw(
        input: Tensor,
        *,
        generator: Generator | None = None,
        dtype: dtype | None = None,
        layout: layout | None = None,
        device: DeviceLike | None = None,
        requires_grad: bool = False,
        pin_memory: bool = False,
        memory_format: memory_format | None = preserve_format,
    ) -> Tensor:
        check_layout(layout)
        if dtype is device is generator is None and not input._key & LIFTED:
            if input._array.flags.c_contiguous and not pin_memory:
                return make(
                    input._array.shape,
                    dtype=input._dtype,
                    device=input.device,
                    requires_grad=requires_grad,
                )
        tensor = empty_like(input, dtype=dtype, device=device, memory_format=memory_format)
        getattr(tensor, into)(generator=generator)
        return _finished(name, tensor, None, requires_grad, pin_memory)

    draw.__name__ = draw.__qualname__ = name
    draw.__doc__ = doc
    return draw


rand_like = _drawn_like(
    "rand_like", rand, "uniform_", ":func:`rand` in the shape, type and memory order of ``input``."
)
randn_like = _drawn_like(
    "randn_like",
    randn,
    "normal_",
    ":func:`randn` in the shape, type and memory order of ``input``.",
)


def randint_like(
    input: Tensor,
    low: int | None = None,
    high: int | None = None,
    *,
    generator: Generator | None = None,
    dtype: dtype | None = None,
    layout: layout | None = None,
    device: DeviceLike | None = None,
    requires_grad: bool = False,
    pin_memory: bool = False,
    memory_format: memory_format | None = preserve_format,
) -> Tensor:
    """Integers uniform on [low, high), in the shape, type and memory order of ``input``.

    ``randint_like(input, high)`` starts from 0.
    """
    check_layout(layout)
    if high is None:
        low, high = 0, low
    if high is None:
        raise TypeError("randint_like(): missing argument 'high'")
    tensor = empty_like(input, dtype=dtype, device=device, memory_format=memory_format)
    tensor.random_(
        0 if low is None else index_of(low, "low"), index_of(high, "high"), generator=generator
    )
    return _finished("randint_like", tensor, None, requires_grad, pin_memory)


# ------------ samples of distributions


_bernoulli = arrays(reduced_precision=True)("bernoulli(input: Tensor, generator)")


@composite()
def bernoulli(
    input: Tensor,
    p: float | Tensor | None = None,
    *,
    generator: Generator | None = None,
    out: Tensor | None = None,
) -> Tensor:
    """Ones with the probability of each element of ``input``, otherwise zeros.

    Args:
        input: floating, in [0, 1]. With ``p`` its values do not matter.
        p: one probability for all elements.
        generator: the source; the device's default one if None.

    Raises:
        RuntimeError: for a probability out of [0, 1].
        NotImplementedError: for another type.
    """
    if p is None and input._dtype.category != dtypes.FLOATING:
        raise not_implemented_for("bernoulli", input._dtype)
    if p is None and out is None:
        return write_out("bernoulli", _bernoulli(input, source_of(generator, input)), None)
    if out is None:
        target = empty_like(input, memory_format=contiguous_format)
    elif modes.bits == 0 and (input._key | out._key) & REQUIRES_GRAD:
        raise out_error("bernoulli")
    else:
        target = sized(out, input._array.shape)
    return target.bernoulli_(input if p is None else p, generator=generator)


_normal = arrays(reduced_precision=True)(
    "normal(mean: Tensor | Number, std: Tensor | Number, generator)"
)


def normal(
    mean: Tensor | float = 0.0,
    std: Tensor | float = 1.0,
    size: Sequence[int] | None = None,
    *,
    generator: Generator | None = None,
    out: Tensor | None = None,
    dtype: dtype | None = None,
    layout: layout | None = None,
    device: DeviceLike | None = None,
    requires_grad: bool = False,
    pin_memory: bool = False,
) -> Tensor:
    """Normal numbers: each with its own mean and standard deviation, or ``size`` of one kind.

    Args:
        mean, std: tensors that broadcast, or numbers; with ``size`` both numbers.
        size: the shape.
        generator: the source; the device's default one if None.

    Raises:
        RuntimeError: for a negative ``std``, or shapes that do not broadcast.
    """
    source = source_of(generator)
    if size is not None:
        for each in (mean, std):
            if isinstance(each, Tensor) and each._array.ndim:
                raise TypeError("normal(): with a size, mean and std are numbers")
        mean, std = (each.item() if isinstance(each, Tensor) else each for each in (mean, std))
    if isinstance(mean, Tensor) or isinstance(std, Tensor):
        if out is None:
            at = mean if isinstance(mean, Tensor) else std
            return _normal(mean, std, source_of(generator, at))
        place_of(out, None)
        spread = std if isinstance(std, Tensor) else 1.0
        width = 1.0 if spread is std else std
        shapes = [each._array.shape for each in (mean, std) if isinstance(each, Tensor)]
        sized(out, broadcast_shapes(*shapes)).normal_(0.0, width, generator=generator)
        return out.mul_(spread).add_(mean)
    if size is None:
        raise TypeError("normal(): with two numbers for mean and std, argument 'size' is needed")
    dtype, device = _place(generator, dtype, device, layout, out)
    shape = check_size("normal", read_sizes("normal", (size,)))
    if out is not None:
        return sized(out, shape).normal_(mean, std, generator=generator)
    tensor = _normal_of_size(mean, std, shape, source, read_dtype("normal", dtype), device)
    return _finished("normal", tensor, out, requires_grad, pin_memory)


_multinomial = arrays(reduced_precision=True)(
    "multinomial(input: Tensor, num_samples: int, replacement: bool, generator)"
)


@composite()
def multinomial(
    input: Tensor,
    num_samples: int,
    replacement: bool = False,
    *,
    generator: Generator | None = None,
    out: Tensor | None = None,
) -> Tensor:
    """Indices drawn with the weights of ``input``, row by row.

    Args:
        input: ``(n,)`` or ``(m, n)``, floating, not negative; rows need not sum to 1.
        num_samples: how many a row.
        replacement: whether an index may be drawn again.
        generator: the source; the device's default one if None.

    Returns:
        int64, ``(num_samples,)`` or ``(m, num_samples)``.

    Raises:
        RuntimeError: when a shape, a type or a weight does not fit, or there are too few indices.
    """
    if out is not None and out._dtype is not dtypes.int64:
        raise RuntimeError(f"multinomial expects Long tensor out, got: {out._dtype.class_name}")
    source = source_of(generator, input)
    result = offering(out, _multinomial)(input, num_samples, replacement, source)
    return write_out("multinomial", result, out)


_poisson = arrays(reduced_precision=True, refuses="bool integer complex")(
    "poisson(input: Tensor, generator)"
)


def poisson(input: Tensor, generator: Generator | None = None) -> Tensor:
    """Poisson numbers with the rates of ``input``.

    Raises:
        RuntimeError: for a negative rate.
        NotImplementedError: for a type that is not floating.
    """
    return _poisson(input, source_of(generator, input))


# ``input * noise`` and the noise: 0 with probability p, otherwise ``1 / (1 - p)``.
dropout_noise = arrays(reduced_precision=True)("dropout_noise(input: Tensor, p: float, generator)")
