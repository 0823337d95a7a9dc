"""Batching of ops that draw random numbers: the same for all examples, or each its own.

Different numbers are those of one call for the whole batch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lamella_autograd.batching.rules import batching_random
from lamella_autograd.levels import call, tensors_in
from lamella_core.ops.joining import stack
from lamella_core.tensor import Tensor

if TYPE_CHECKING:
    from lamella_autograd.batching.level import Batch
    from lamella_core.dispatch import Op


def _check(batch: Batch, op: Op) -> None:
    if batch.randomness == "error":
        raise RuntimeError(
            f"vmap: called random operation {op.name} while in randomness error mode. Please "
            f"either use the 'same' or 'different' randomness flags on vmap, or draw the numbers "
            f"outside of vmap"
        )


@batching_random("rand", "randn", "randint", "normal_of_size")
def creation(batch: Batch, op: Op, args: tuple[Any, ...]) -> Any:
    """A tensor of random numbers."""
    _check(batch, op)
    if batch.randomness == "same":
        return call(op, *args), False
    at = next(i for i, param in enumerate(op.params) if param.name == "size")
    size = (batch.size, *args[at])
    return call(op, *args[:at], size, *args[at + 1 :]), True


@batching_random("randperm")
def permutation(batch: Batch, op: Op, args: tuple[Any, ...]) -> Any:
    """A permutation for each example is drawn after the other."""
    _check(batch, op)
    if batch.randomness == "same":
        return call(op, *args), False
    return stack([call(op, *args) for _ in range(batch.size)]), True


@batching_random(
    "uniform_", "normal_", "random_", "bernoulli_", "cauchy_", "exponential_", "geometric_",
    "log_normal_",
)  # fmt: skip
def filling(batch: Batch, op: Op, args: tuple[Any, ...]) -> Any:
    """Random numbers in place."""
    _check(batch, op)
    target, *rest = args
    if not batch.is_own(target):
        if batch.randomness == "different":
            raise RuntimeError(
                f"vmap: {op.name} with randomness='different' on a tensor that is not batched, "
                f"which has no place for different numbers for each example"
            )
        if any(batch.is_batched(each) for each in rest):
            raise RuntimeError(
                f"vmap: {op.name} with a batched argument on a tensor that is not batched"
            )
        return call(op, *args), False
    value = target._array.value
    rest = [batch.aligned(each, target._array.ndim) if isinstance(each, Tensor) else each
            for each in rest]  # fmt: skip
    if batch.randomness == "different":
        return call(op, value, *rest), True
    if any(batch.is_batched(each) for each in args[1:]):
        raise _no_same(op)
    once = value.new_empty(target._array.shape)
    return value.copy_(call(op, once, *rest)), True


def _no_same(op: Op) -> RuntimeError:
    return RuntimeError(
        f"vmap does not support randomness='same' for {op.name} with a batched tensor argument; "
        f"use 'different', or draw the numbers outside of vmap"
    )


@batching_random("bernoulli", "normal", "poisson", "multinomial")
def sampling(batch: Batch, op: Op, args: tuple[Any, ...]) -> Any:
    """Samples of distributions whose parameters are tensors."""
    _check(batch, op)
    tensors = tensors_in(args)
    if batch.randomness == "same":
        if any(batch.is_own(each) for each in tensors):
            raise _no_same(op)
        return call(op, *args), False
    ndim = max([each._array.ndim for each in tensors])
    values = list(args)
    for i, each in enumerate(args):
        if isinstance(each, Tensor):
            values[i] = batch.aligned(each, ndim)
            if not batch.is_own(each):
                values[i] = batch.full(each).contiguous()
    if op.name == "multinomial" and ndim == 2:
        rows = values[0]
        shape = rows._array.shape
        values[0] = rows.reshape(shape[0] * shape[1], shape[2])
        return call(op, *values).reshape(shape[0], shape[1], -1), True
    return call(op, *values), True


@batching_random("dropout_noise")
def dropout_noise(batch: Batch, op: Op, args: tuple[Any, ...]) -> Any:
    """The input times noise, and the noise."""
    _check(batch, op)
    input, *rest = args
    if batch.randomness == "different":
        return call(op, batch.full(input), *rest), True
    value = batch.full(input)
    _, noise = call(op, value.new_ones(input._array.shape), *rest)
    return (value * noise, noise.expand(value._array.shape)), True
