"""The level of a gradient: what happens in a function while it is differentiated in reverse.

A tensor of this level has its own place in its own graph. The values below may require grad, too,
at levels further down; each level records just its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lamella_autograd.inference import INFERENCE_TENSOR
from lamella_autograd.levels import (
    LIFTED,
    Below,
    Level,
    LiftedArray,
    call,
    captured_error,
    mapped,
    mapped_results,
    record,
    settled,
    tensor_of,
    tensors_in,
)
from lamella_autograd.modes import INFERENCE, NO_GRAD
from lamella_core.conventions.view import StridedView, View
from lamella_core.dispatch import REQUIRES_GRAD, modes
from lamella_core.dtype import FLOATING
from lamella_core.tensor import Tensor

if TYPE_CHECKING:
    from lamella_core.dispatch import Op

_GRAD_MODES = NO_GRAD | INFERENCE
_KEPT = REQUIRES_GRAD | INFERENCE_TENSOR


class TrackedArray(LiftedArray):
    """A value whose uses are recorded at a level of its own."""

    __slots__ = ()


class Tracking(Level):
    """The level of one ``grad``, ``vjp`` or the like.

    Inside, calls are recorded whatever the modes outside are. Below, the modes of outside hold.
    """

    def __enter__(self) -> Tracking:
        super().__enter__()
        modes.bits &= ~NO_GRAD
        return self

    def __exit__(self, *exc: object) -> None:
        super().__exit__(*exc)
        modes.bits = modes.bits & ~_GRAD_MODES | self.bits_before & _GRAD_MODES

    def bits_below(self) -> int:
        return super().bits_below() & ~_GRAD_MODES | self.bits_before & _GRAD_MODES

    def array(self, value: Tensor) -> LiftedArray:
        return TrackedArray(self, value)

    def leaf(self, tensor: Tensor) -> Tensor:
        """A tensor of this level that gradients can be asked for.

        Raises:
            RuntimeError: when it is neither floating nor complex.
        """
        if tensor._dtype.category < FLOATING:
            raise RuntimeError(
                f"only Tensors of floating point dtype can require gradients, got {tensor.dtype}"
            )
        new = tensor_of(TrackedArray(self, settled(tensor)))
        new._key |= REQUIRES_GRAD
        return new

    def run(self, op: Op, args: tuple[Any, ...]) -> Any:
        own = 0

        def lifted(tensor: Tensor) -> Tensor:
            nonlocal own
            tensor = settled(tensor)
            if tensor._key & LIFTED and tensor._array.level is self:
                own |= tensor._key & _KEPT
            elif tensor._key & REQUIRES_GRAD:
                # What is recorded further down is a constant here.
                return self.lift(tensor)
            return tensor

        if op.mutates is not None:
            self._check_target(op, args)
        args = mapped(lifted, args)
        return record(op, args, own)

    def _check_target(self, op: Op, args: tuple[Any, ...]) -> None:
        target = args[-1] if op.mutates == "out" else args[0]
        for each in tensors_in((target,)):
            if not self.is_own(settled(each)):
                raise captured_error(op)

    def run_below(self, op: Op, args: tuple[Any, ...]) -> Any:
        with Below(self):
            result = call(op, *mapped(self.value, args))
        if op.mutates is not None:
            return args[-1] if op.mutates == "out" else args[0]
        if isinstance(op.convention, (View, StridedView)):
            if not self.is_own(args[0]):
                return result
            return mapped_results(lambda each: self.lift_view(op, args[0], each), result)
        return mapped_results(self.lift, result)
