"""The level of a batch: what happens in a function while ``vmap`` runs it for all of a batch.

A batched tensor looks like one example. It holds all of them in one tensor of the level below,
whose first dimension counts the examples. For each family of ops a rule says how one call does
the work of as many calls as there are examples; an op without a rule is called for one example
after the other.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from lamella_autograd.batching.rules import batched_random, load, rule_of
from lamella_autograd.levels import (
    Below,
    Level,
    LiftedArray,
    call,
    indented,
    mapped,
    mapped_results,
    settled,
    tensor_of,
    tensors_in,
)
from lamella_core.ops.joining import stack as stack_tensors
from lamella_core.tensor import Tensor

if TYPE_CHECKING:
    from lamella_core.dispatch import Op


class BatchedArray(LiftedArray):
    """All examples of a batch, in the shape of one."""

    __slots__ = ()

    @property
    def shape(self) -> tuple[int, ...]:
        return self.value._array.shape[1:]

    @property
    def ndim(self) -> int:
        return self.value._array.ndim - 1

    @property
    def size(self) -> int:
        size = 1
        for n in self.value._array.shape[1:]:
            size *= n
        return size

    @property
    def strides(self) -> tuple[int, ...]:
        """Strides of one example, in elements."""
        return self.value.stride()[1:]

    @property
    def flags(self) -> Any:
        """Whether the elements of one example lie in row-major order."""
        return _Flags(self.shape, self.strides)

    def item(self) -> Any:
        raise RuntimeError(
            "vmap: the value of a batched tensor was asked for (.item(), bool(), int(), ...), but "
            "it has one value for each example: data-dependent control flow is not supported in "
            "vmap; use torch.where or other ops instead"
        )

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        self.item()
        raise AssertionError

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        raise RuntimeError(
            f"vmap: the values of a batched tensor are needed as an array ({name}), which is not "
            f"supported: they are different for each example"
        )

    def settled(self) -> Tensor:
        raise RuntimeError(
            "vmap: a batched tensor is used outside of the function that was batched; return it "
            "from the function"
        )

    def text(self) -> str:
        depth = self.level.depth
        return f"BatchedTensor(lvl={depth}, bdim=0, value=\n{indented(self.value)}\n)"


class _Flags:
    """What an array says about its layout."""

    __slots__ = ("c_contiguous", "f_contiguous", "forc", "writeable")

    def __init__(self, shape: tuple[int, ...], strides: tuple[int, ...]) -> None:
        self.c_contiguous = _is_dense(shape, strides)
        self.f_contiguous = _is_dense(shape[::-1], strides[::-1])
        self.forc = self.c_contiguous or self.f_contiguous
        self.writeable = True


def _is_dense(shape: tuple[int, ...], strides: tuple[int, ...]) -> bool:
    if 0 in shape:
        return True
    expected = 1
    for size, step in zip(reversed(shape), reversed(strides), strict=True):
        if size != 1:
            if step != expected:
                return False
            expected *= size
    return True


class Batch(Level):
    """The level of one ``vmap``.

    Attributes:
        size: the number of examples.
        randomness: ``error``, ``same`` or ``different``.
    """

    differentiates = False

    def __init__(self, size: int, randomness: str) -> None:
        super().__init__()
        load()
        self.size = size
        self.randomness = randomness

    def array(self, value: Tensor) -> LiftedArray:
        return BatchedArray(self, value)

    # ------------ what rules work with

    def is_batched(self, argument: Any) -> bool:
        """Whether an argument is, or a list holds, a tensor of this level."""
        if isinstance(argument, Tensor):
            return self.is_own(argument)
        return isinstance(argument, (list, tuple)) and any(
            isinstance(each, Tensor) and self.is_own(each) for each in argument
        )

    def full(self, tensor: Tensor) -> Tensor:
        """The value with the batch in front; what is not batched is repeated without a copy."""
        if self.is_own(tensor):
            return tensor._array.value
        return tensor.expand(self.size, *tensor._array.shape)

    def aligned(self, tensor: Tensor, ndim: int) -> Tensor:
        """The value such that one example has ``ndim`` dimensions, and so broadcasts."""
        if not self.is_own(tensor):
            return tensor
        value = tensor._array.value
        have = value._array.ndim - 1
        if have >= ndim:
            return value
        shape = value._array.shape
        return value.reshape(shape[0], *(1,) * (ndim - have), *shape[1:])

    # ------------ calls

    def run(self, op: Op, args: tuple[Any, ...]) -> Any:
        args = mapped(settled, args)
        batched = False
        for each in tensors_in(args):
            if self.is_own(each):
                batched = True
                break
        base = op.base or op
        random = batched_random.get(base.name)
        with Below(self):
            if random is not None:
                result, batched = random(self, op, args)
            elif not batched:
                return call(op, *args)
            else:
                if op.mutates is not None:
                    self._check_target(op, args)
                rule = rule_of(base)
                result = NotImplemented if rule is None else rule(self, op, args)
                if result is NotImplemented:
                    result = self.one_by_one(op, args)
        if op.mutates is not None:
            return args[-1] if op.mutates == "out" else args[0]
        if not batched:
            return result
        source = args[0] if args else None
        if isinstance(source, Tensor):
            return mapped_results(lambda each: self.lift_view(op, source, each), result)
        return mapped_results(self.lift, result)

    def _check_target(self, op: Op, args: tuple[Any, ...]) -> None:
        target = args[-1] if op.mutates == "out" else args[0]
        for each in tensors_in((target,)):
            if not self.is_own(each):
                raise RuntimeError(
                    f"vmap: {op.name} would write a batched value into a tensor that is not "
                    f"batched, of shape {list(each._array.shape)}; it has no place for "
                    f"{self.size} examples. Use the out-of-place form, or make the tensor from a "
                    f"batched one (x.new_zeros(...), torch.zeros_like(x))"
                )

    def one_by_one(self, op: Op, args: tuple[Any, ...]) -> Any:
        """Calls an op for each example, and stacks the results."""
        results = []
        for i in range(self.size):
            results.append(call(op, *mapped(partial(self._example, i), args)))
        if op.mutates is not None:
            return None
        if not results:
            raise RuntimeError(
                f"vmap: {op.name} has no batching rule, and a batch without examples does not "
                f"tell the shape of its result"
            )
        return stacked(op.name, results)

    def _example(self, index: int, tensor: Tensor) -> Tensor:
        return tensor._array.value.select(0, index) if self.is_own(tensor) else tensor


def stacked(op_name: str, results: list[Any]) -> Any:
    """The results of several calls, put together along a new first dimension.

    Raises:
        RuntimeError: when their shapes differ.
    """
    first = results[0]
    if isinstance(first, Tensor):
        shapes = {each._array.shape for each in results}
        if len(shapes) > 1:
            raise RuntimeError(
                f"vmap: the results of {op_name} have different shapes for different examples, "
                f"which is not supported"
            )
        return stack_tensors(results)
    parts = [stacked(op_name, list(each)) for each in zip(*results, strict=True)]
    kind = first.__class__
    return kind(parts) if kind in (list, tuple) else kind(*parts)


def lifted_value(level: Batch, tensor: Tensor, dim: int) -> Tensor:
    """A tensor whose dimension ``dim`` counts the examples, as a tensor of the level."""
    return tensor_of(BatchedArray(level, tensor.movedim(dim, 0) if dim else tensor))
