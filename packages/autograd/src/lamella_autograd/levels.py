"""Levels: what a transform of a function puts on top of tensors while the function runs.

A level is one running transform: a batch (``vmap``), a gradient that is asked for (``grad``), a
direction (``jvp``, forward mode). A tensor *lifted* to a level has, in the place of a backend's
array, a :class:`LiftedArray` that holds a tensor of the level below. So levels nest to any depth,
and what autograd recorded about a tensor at one level is apart from what it recorded at another.

The levels of a thread are a stack. A call is first handled by the level on top: it takes its own
wrapping off the arguments, does its part by calls that the level below handles, and lifts the
results. A tensor whose level has ended counts as the tensor that it holds.
"""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

import numpy as np

from lamella_autograd.modes import ANOMALY, INFERENCE, NO_GRAD, SAVING_HOOKS, TRANSFORMING
from lamella_core.conventions.view import StridedView, View
from lamella_core.dispatch import (
    LIFTED,
    NUMBER,
    Layer,
    backend_of_tensor,
    modes,
    new_bit,
    register_layer,
)
from lamella_core.storage import storage_of
from lamella_core.tensor import Tensor, wrap

if TYPE_CHECKING:
    from collections.abc import Callable

    from lamella_core.dispatch import Op

# Of calls: autograd has seen the call at the level on top, and what is left is to run it below.
_SEEN = new_bit()

_GRAD_MODES = NO_GRAD | INFERENCE | ANOMALY | SAVING_HOOKS
_NUMBERS = frozenset((bool, int, float, complex))


class _Stack(threading.local):
    """The levels of the calling thread, innermost first, each with the one below it."""

    def __init__(self) -> None:
        self.top: Level | None = None


stack = _Stack()


class LiftedArray:
    """Stands where a tensor's array stands, and holds a tensor of the level below.

    What is asked of it beyond its shape and type is asked of the array below.
    """

    __slots__ = ("level", "value")

    level: Level
    value: Tensor

    def __init__(self, level: Level, value: Tensor) -> None:
        self.level = level
        self.value = value

    @property
    def shape(self) -> tuple[int, ...]:
        return self.value._array.shape

    @property
    def ndim(self) -> int:
        return self.value._array.ndim

    @property
    def dtype(self) -> np.dtype:
        return self.value._array.dtype

    @property
    def size(self) -> int:
        return self.value._array.size

    @property
    def strides(self) -> tuple[int, ...]:
        """Strides in elements."""
        return self.value.stride()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.value._array, name)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.asarray(self.value._array, dtype=dtype)

    def detached(self) -> LiftedArray:
        """The same over a value apart from its graph."""
        return type(self)(self.level, self.value.detach())

    def settled(self) -> Tensor:
        """What a tensor with this array is when its level has ended."""
        return self.value

    def plain(self) -> Tensor | None:
        """The tensor over whose memory one with this array stands; None where there is no one."""
        return None

    def describe(self) -> str:
        """How a tensor with this array is printed."""
        return self.text() if self.level.alive else repr(self.value)

    def text(self) -> str:
        """How it is printed while its level runs."""
        return f"GradTrackingTensor(lvl={self.level.depth}, value=\n{indented(self.value)}\n)"


def indented(value: Tensor) -> str:
    """A tensor's text, four columns to the right."""
    return "\n".join(f"    {line}" for line in repr(value).splitlines())


class Level(ABC):
    """One running transform; a context manager that puts it on the thread's stack.

    Attributes:
        below: the level under it, None at the bottom.
        depth: how many levels there are up to it.
        alive: whether it still stands on the stack.
        transforms: whether calls without lifted arguments are for it to handle, too.
        differentiates: whether it computes derivatives.
    """

    transforms = True
    differentiates = True

    below: Level | None
    depth: int

    def __init__(self) -> None:
        self.alive = False

    def __enter__(self) -> Any:
        self.below = stack.top
        self.depth = 1 if self.below is None else self.below.depth + 1
        self.bits_before = modes.bits
        self.alive = True
        stack.top = self
        if self.transforms:
            modes.bits |= TRANSFORMING
        return self

    def __exit__(self, *exc: object) -> None:
        self.alive = False
        stack.top = self.below
        modes.bits = modes.bits & ~TRANSFORMING | self.bits_before & TRANSFORMING

    @abstractmethod
    def run(self, op: Op, args: tuple[Any, ...]) -> Any:
        """Handles a call while this level is on top."""

    def run_below(self, op: Op, args: tuple[Any, ...]) -> Any:
        """Handles a call that autograd has seen at this level; see :func:`record`."""
        raise NotImplementedError

    @abstractmethod
    def array(self, value: Tensor) -> LiftedArray:
        """What stands in a tensor of this level for the given value."""

    def bits_below(self) -> int:
        """The thread's modes for the calls that the level below handles."""
        return modes.bits & ~TRANSFORMING | self.bits_before & TRANSFORMING

    def lift(self, value: Tensor) -> Tensor:
        """A tensor of this level."""
        return tensor_of(self.array(value))

    def lift_view(self, op: Op, source: Any, value: Tensor) -> Tensor:
        """As :meth:`lift`; where ``op`` is a view, the result is one of ``source``."""
        tensor = tensor_of(self.array(value))
        if isinstance(op.convention, (View, StridedView)):
            base = source if source._view is None else source._view[0]
            tensor._view = (base, tensor._storage.version)  # type: ignore[union-attr]
        return tensor

    def is_own(self, tensor: Tensor) -> bool:
        """Whether a tensor is lifted to this very level."""
        return bool(tensor._key & LIFTED) and tensor._array.level is self

    def value(self, tensor: Tensor) -> Tensor:
        """A tensor as the level below knows it."""
        tensor = settled(tensor)
        return tensor._array.value if self.is_own(tensor) else tensor


class Below:
    """A block in which the calls are handled by what is below a level."""

    __slots__ = ("bits", "level", "top")

    def __init__(self, level: Level) -> None:
        self.level = level

    def __enter__(self) -> None:
        self.top = stack.top
        self.bits = modes.bits
        modes.bits = self.level.bits_below()
        stack.top = self.level.below

    def __exit__(self, *exc: object) -> None:
        stack.top = self.top
        modes.bits = self.bits


class Again:
    """A block in which a level that has ended, or is not on top, is on top again."""

    __slots__ = ("alive", "bits", "level", "top")

    def __init__(self, level: Level) -> None:
        self.level = level

    def __enter__(self) -> None:
        self.top = stack.top
        self.bits = modes.bits
        self.alive = self.level.alive
        self.level.below = self.top
        self.level.bits_before = modes.bits
        self.level.alive = True
        stack.top = self.level
        modes.bits |= TRANSFORMING

    def __exit__(self, *exc: object) -> None:
        self.level.alive = self.alive
        stack.top = self.top
        modes.bits = self.bits


def tensor_of(array: LiftedArray) -> Tensor:
    """The tensor that a lifted array stands for; it shares its value's version counter."""
    value = array.value
    tensor = wrap(array, value._dtype, backend_of_tensor(value).key | LIFTED)
    tensor._storage = storage_of(value)
    return tensor


def settled(tensor: Tensor) -> Tensor:
    """The tensor without the wrapping of levels that have ended."""
    while tensor._key & LIFTED and not tensor._array.level.alive:
        tensor = tensor._array.settled()
    return tensor


def mapped(function: Callable[[Tensor], Any], args: Any) -> tuple[Any, ...]:
    """The arguments of a call with a function applied to each tensor, also those in lists."""
    return tuple(
        [
            function(a)
            if isinstance(a, Tensor)
            else [function(each) for each in a]
            if a.__class__ in _SEQUENCES and a and isinstance(a[0], Tensor)
            else a
            for a in args
        ]
    )


_SEQUENCES = frozenset((list, tuple))


def tensors_in(args: Any) -> list[Tensor]:
    """The tensors among the arguments of a call, also those in lists."""
    found: list[Tensor] = []
    for a in args:
        if isinstance(a, Tensor):
            found.append(a)
        elif a.__class__ in _SEQUENCES and a and isinstance(a[0], Tensor):
            found.extend(a)
    return found


def mapped_results(function: Callable[[Tensor], Any], result: Any) -> Any:
    """What an op returned with a function applied to each tensor."""
    if isinstance(result, Tensor):
        return function(result)
    if isinstance(result, (tuple, list)):
        values = [mapped_results(function, each) for each in result]
        plain = result.__class__ in _SEQUENCES
        return type(result)(values) if plain else type(result)(*values)
    return result


def call(op: Op, *args: Any) -> Any:
    """Calls an op with its arguments by position."""
    return op.table[op.key_of(args)](*args)


class Levels(Layer):
    """Hands calls to the level on top of the stack."""

    name = "levels"
    level = 300
    bits = LIFTED | TRANSFORMING

    def wrap(self, op: Op, key: int, below: Callable[..., Any]) -> Callable[..., Any]:
        def handle(*args: Any) -> Any:
            top = stack.top
            if top is not None:
                return top.run(op, args)
            args = mapped(settled, args)
            if any(each._key & LIFTED for each in tensors_in(args)):
                raise RuntimeError(
                    f"{op.name}(): a tensor of a running transform (vmap, grad, jvp, ...) is used "
                    f"outside of the function that is transformed, or in another thread"
                )
            return call(op, *args)

        return handle


class _Seen(Layer):
    """Under autograd's layer: takes a call that is recorded at a level to the level below."""

    name = "seen"
    level = 50
    bits = _SEEN

    def wrap(self, op: Op, key: int, below: Callable[..., Any]) -> Callable[..., Any]:
        def run_below(*args: Any) -> Any:
            return stack.top.run_below(op, args)  # type: ignore[union-attr]

        return run_below


def record(op: Op, args: tuple[Any, ...], own: int) -> Any:
    """Has autograd record a call at the level on top, which runs it by ``run_below``.

    Args:
        op: the op.
        args: its arguments; what requires grad among them is recorded.
        own: the bits of the arguments that autograd goes by.
    """
    key = own | _SEEN | modes.bits & _GRAD_MODES
    for a in args:
        if a.__class__ in _NUMBERS:
            key |= NUMBER
    return op.table[key](*args)


def write_constant(target: Tensor, value: Tensor, write: Callable[[Tensor, Tensor], None]) -> None:
    """Runs ``write(target, value)`` where no derivative sees it: statistics are kept so.

    The value goes through the levels of derivatives on top that the target does not belong to.
    """
    top = stack.top
    target = settled(target)
    if top is None or not top.differentiates or top.is_own(target):
        write(target, value)
        return
    value = top.value(value)
    with Below(top):
        write_constant(target, value, write)


def captured_error(op: Op) -> RuntimeError:
    """The error for a write to a tensor that a transformed function took from outside."""
    return RuntimeError(
        f"During a grad (vjp, jvp, grad, etc) transform, the function provided attempted to call "
        f"in-place operation ({op.name}) that would mutate a captured Tensor. This is not "
        f"supported; pass the tensor as an argument, or write to a clone of it"
    )


register_layer(Levels())
register_layer(_Seen())
