"""Updates that gradients flow through: the body of an update, run on tensors and recorded.

The bodies in ``kernels`` are written in functions of an array namespace. Here such functions work
on tensors: each makes a new tensor, and where the body names an array that is no scratch, the new
values are also copied into it. The body goes on with the new tensor, so nothing that autograd saved
is written to.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lamella_core.tensor import Tensor

if TYPE_CHECKING:
    from lamella_optim.kernels.lists import ListKernel


def _into(result: Tensor, out: Tensor | None) -> Tensor:
    if out is not None:
        out.copy_(result)
    return result


def _remembered(a: Any, b: Any) -> Any:
    """``a``, or a copy where the op's backward needs it: a parameter or state is written to later.

    With a number ``b``, the backward needs ``b`` alone.
    """
    return a.clone() if isinstance(a, Tensor) and isinstance(b, Tensor) else a


class TensorNamespace:
    """The functions of an array namespace that bodies use, over tensors."""

    @staticmethod
    def add(a: Any, b: Any, out: Tensor | None) -> Tensor:
        return _into(a + b, out)

    @staticmethod
    def subtract(a: Any, b: Any, out: Tensor | None) -> Tensor:
        return _into(a - b, out)

    @staticmethod
    def multiply(a: Any, b: Any, out: Tensor | None) -> Tensor:
        return _into(_remembered(a, b) * b, out)

    @staticmethod
    def divide(a: Any, b: Any, out: Tensor | None) -> Tensor:
        return _into(a / b, out)

    @staticmethod
    def negative(a: Any, out: Tensor | None) -> Tensor:
        return _into(-a, out)

    @staticmethod
    def sqrt(a: Any, out: Tensor | None) -> Tensor:
        return _into(a.sqrt(), out)

    @staticmethod
    def absolute(a: Any, out: Tensor | None) -> Tensor:
        return _into(a.abs(), out)

    @staticmethod
    def maximum(a: Any, b: Any, out: Tensor | None) -> Tensor:
        if isinstance(b, Tensor):
            return _into(_remembered(a, b).maximum(b), out)
        return _into(a.clamp(min=b), out)

    @staticmethod
    def minimum(a: Any, b: Any, out: Tensor | None) -> Tensor:
        if isinstance(b, Tensor):
            return _into(_remembered(a, b).minimum(b), out)
        return _into(a.clamp(max=b), out)

    @staticmethod
    def sign(a: Any, out: Tensor | None) -> Tensor:
        return _into(a.sign(), out)


def run_recorded(kernel: ListKernel, *args: Any) -> None:
    """Runs an update op's computation on tensors, recorded by autograd.

    Args:
        kernel: the op's kernel.
        args: the op's arguments.
    """
    body, lists, constants, flags = kernel.prepare(*args)
    for tensors, numbers in zip(zip(*lists, strict=True), constants, strict=True):
        body(TensorNamespace, _as_real(tensors), (None, None), numbers, flags)


def _as_real(tensors: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    if not tensors[0].is_complex():
        return tensors
    from lamella_core import view_as_real

    return tuple([view_as_real(each) for each in tensors])
