"""The gradients of leaves: adding to ``.grad``."""

from __future__ import annotations

from sys import getrefcount
from threading import RLock, local
from typing import TYPE_CHECKING, Any

import numpy as np

from lamella_autograd.inference import INFERENCE_TENSOR
from lamella_autograd.ownership import is_alone, least, references, sheds_storage
from lamella_autograd.sums import SMALL
from lamella_core import strided
from lamella_core.dispatch import LIFTED, REQUIRES_GRAD, backend_of_tensor
from lamella_core.ops.creation_data import tensor
from lamella_core.quiet import quiet
from lamella_core.storage import mark_written
from lamella_core.tensor import Tensor, blank, wrap

if TYPE_CHECKING:
    from collections.abc import Callable

# Two passes in two threads may add to one leaf.
_lock = RLock()


class _Policy(local):
    enforced = True


_policy = _Policy()


class enforce_grad_layout_policy:
    """Whether a first gradient is laid out in memory as its leaf: at once, and back after a
    ``with`` block.

    Args:
        enable: with False, a gradient that nobody else holds is taken over in its own layout.
    """

    def __init__(self, enable: bool = True) -> None:
        self._before = _policy.enforced
        _policy.enforced = enable

    def __enter__(self) -> None:
        pass

    def __exit__(self, *exc: object) -> None:
        _policy.enforced = self._before


def accumulate_into(leaf: Tensor, grad: Tensor, create_graph: bool, settles: bool = False) -> None:
    """Adds a gradient to a leaf's ``.grad``.

    The first gradient is taken over without a copy when nobody else can reach its memory: no view
    shares it, and only the caller refers to the tensor and to its array: the sweep (its loop
    variable, this call and its own list) or, with ``settles``, the end of the pass. A copy has the
    leaf's layout in memory.
    """
    with _lock:
        have = leaf._grad
        if have is not None and not create_graph and not have._key & _NOT_PLAIN:
            # What `have.add_(grad)` comes to, in half the time.
            array, more = have._array, grad._array
            if (
                array.__class__ is more.__class__ is np.ndarray
                and have._dtype is grad._dtype
                and array.flags.c_contiguous
            ):
                _add_to(array, more)
                mark_written(have)
                return
        if have is None:
            if create_graph:
                leaf._grad = grad
            elif (
                getrefcount(grad) <= references.taken[settles]
                and sheds_storage(grad)
                and is_alone(grad._array)
                and not grad._key & REQUIRES_GRAD
                and (
                    (grad._array.flags.c_contiguous and leaf._array.flags.c_contiguous)
                    or not _policy.enforced
                )
            ):
                leaf._grad = grad
            else:
                leaf._grad = _copy_laid_out_as(leaf, grad)
        elif create_graph or (grad.layout is strided and have.layout is not strided):
            leaf._grad = grad + have
        else:
            have.add_(grad)


# A ``.grad`` that an in-place op would record, or refuse.
_NOT_PLAIN = REQUIRES_GRAD | INFERENCE_TENSOR


def _add(array: Any, more: Any) -> None:
    np.add(array, more, array)


_add_to = quiet(_add)


def _copy_laid_out_as(leaf: Tensor, grad: Tensor) -> Tensor:
    if grad.layout is not strided:
        return grad.detach().clone()
    if grad._key & LIFTED:
        # It may have a tangent, which a copy of the array would not.
        return grad.clone()
    backend = backend_of_tensor(leaf)
    array, own = grad._array, leaf._array
    if array.__class__ is own.__class__ is np.ndarray and own.flags.c_contiguous:
        return wrap(array.copy(), grad._dtype, backend.key)
    shape = array.shape
    strides = backend.strides(leaf._array)
    expected = 1
    for size, stride in sorted(zip(shape, strides, strict=True), key=lambda each: each[1]):
        if size != 1 and stride != expected:
            return grad.detach().contiguous().clone()
        expected *= size
    copy = grad.new_empty_strided(shape, strides)
    backend.copy_into(copy._array, grad._array)
    return copy


def calibrate(run_pass: Callable[[Tensor, Callable[[], Tensor]], None]) -> None:
    """Measures the counts of references.

    Args:
        run_pass: sends through an engine the gradient that a function returns, to a leaf.
    """
    large = tensor([0.0]).expand(SMALL + 1).clone()
    small = tensor([0.0, 0.0])

    def is_taken(leaf: Tensor, make_array: Callable[[], Any]) -> bool:
        made: list[int] = []

        def make() -> Tensor:
            grad = blank()
            grad._array = make_array()
            grad._dtype, grad._key = leaf._dtype, leaf._key
            grad._storage = grad._graph = grad._view = grad._grad = None
            made.append(id(grad))
            return grad

        leaf._grad = None
        run_pass(leaf, make)
        return id(leaf._grad) == made[0]

    dtype = small._dtype.numpy
    references.owner = 0
    references.array = 100
    for settles, leaf in enumerate((large, small)):
        references.taken[settles] = 0
        while not is_taken(leaf, lambda: np.zeros(leaf.shape, dtype)):  # noqa: B023
            references.taken[settles] += 1
    least("array", lambda: is_taken(small, lambda: np.zeros(2, dtype)))
    least("owner", lambda: is_taken(small, lambda: np.zeros((2, 1), dtype).reshape(2)))
