"""``torch.autograd.forward_ad``: forward mode by dual tensors, a value with a tangent.

Example::

    with dual_level():
        dual = make_dual(primal, tangent)
        jvp = unpack_dual(function(dual)).tangent
"""

from __future__ import annotations

import threading
from typing import Any, NamedTuple

from lamella_autograd.dual import Dual
from lamella_autograd.func import checked_tangent
from lamella_autograd.inplace import edge_of
from lamella_autograd.levels import settled, stack
from lamella_autograd.node import Node, next_number
from lamella_core.dispatch import REQUIRES_GRAD
from lamella_core.tensor import Tensor

__all__ = [
    "UnpackedDualTensor",
    "dual_level",
    "enter_dual_level",
    "exit_dual_level",
    "make_dual",
    "unpack_dual",
]


class _Current(threading.local):
    """The level of the calling thread."""

    def __init__(self) -> None:
        self.level: Dual | None = None


_current = _Current()


class UnpackedDualTensor(NamedTuple):
    """A value, and its tangent, None where there is none."""

    primal: Tensor
    tangent: Tensor | None


class _MadeDual(Node):
    """Passes the gradient of a dual tensor on to the tensor that it was made from."""

    __slots__ = ()

    op_name = "make_dual"
    saves = False

    def __init__(self, edge: Any) -> None:
        self.edges = (edge,)
        self.number = next_number()
        self.hooks = None

    def name(self) -> str:
        return "MakeDualBackward0"

    def apply(self, grad: Any) -> tuple[Any, ...]:
        return (grad,)


def enter_dual_level() -> int:
    """Starts a level, in which dual tensors can be made; returns its number, 0.

    Raises:
        RuntimeError: within another; :func:`torch.func.jvp` nests.
    """
    if _current.level is not None:
        raise RuntimeError("Nested forward mode AD is not supported at the moment")
    _current.level = Dual(transforms=False)
    _current.level.__enter__()
    return 0


def exit_dual_level(*, level: int | None = None) -> None:
    """Ends the level; its dual tensors become the values that they hold.

    Raises:
        RuntimeError: when there is none, or ``level`` is another one.
    """
    current = _current.level
    if current is None:
        raise RuntimeError("exit_dual_level: there is no level; call enter_dual_level() first")
    if level not in (None, 0):
        raise RuntimeError(
            "Trying to exit a forward AD level that was not the last one that was created. This "
            "is not supported."
        )
    if stack.top is not current:
        raise RuntimeError("exit_dual_level: a transform that was started in the level still runs")
    _current.level = None
    current.__exit__()


class dual_level:
    """A block with a level of its own; the value of ``with ... as`` is the level's number."""

    def __enter__(self) -> int:
        return enter_dual_level()

    def __exit__(self, *exc: object) -> None:
        exit_dual_level()


def make_dual(tensor: Tensor, tangent: Tensor, *, level: int | None = None) -> Tensor:
    """A tensor over the memory of ``tensor`` that has ``tangent`` as its tangent.

    Args:
        tensor: floating or complex.
        tangent: of its shape; converted to its type.
        level: 0 or None.

    Raises:
        RuntimeError: outside of a level, for another shape, or for a dual tensor.
        ValueError: for a type that is neither floating nor complex.
    """
    current = _current.level
    if current is None:
        raise RuntimeError(
            "Trying to create a dual Tensor for forward AD but no level exists, make sure to "
            "enter_dual_level() first."
        )
    tensor = settled(tensor)
    if stack.top is not current:
        raise RuntimeError("make_dual: a transform that was started in the level is running")
    if current.is_own(tensor):
        raise RuntimeError(
            "Making a dual Tensor based on a Tensor that already has a forward gradient at the "
            "same level 0 is not supported."
        )
    tangent = checked_tangent(tensor, tangent)
    dual = current.make(tensor.view_as(tensor), tangent)
    if tensor._key & REQUIRES_GRAD:
        dual._graph = _MadeDual(edge_of(tensor))
        dual._key |= REQUIRES_GRAD
    return dual


def unpack_dual(tensor: Tensor, *, level: int | None = None) -> UnpackedDualTensor:
    """The value and the tangent of a tensor; outside of a level the tensor and None.

    Args:
        tensor: any tensor.
        level: 0 or None.
    """
    current = _current.level
    if current is None:
        return UnpackedDualTensor(settled(tensor), None)
    return UnpackedDualTensor(current.value(tensor), current.tangent(tensor))
