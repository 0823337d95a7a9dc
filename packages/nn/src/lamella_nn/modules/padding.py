"""Padding: elements added to the sides of the last dimensions.

``padding`` is one number for all sides, or two for each dimension, last dimension first: left,
right, top, bottom, front, back. A negative number cuts off.
"""

from __future__ import annotations

from lamella_core import Tensor
from lamella_nn import functional as F
from lamella_nn.modules.module import Module
from lamella_nn.modules.spatial import per_dimension

Size = int | tuple[int, ...]


class _PadNd(Module):
    """What the paddings share: a mode, and the padding of every side."""

    dimensions: int
    mode: str

    padding: tuple[int, ...]

    def __init__(self, padding: Size) -> None:
        super().__init__()
        self.padding = per_dimension(padding, 2 * self.dimensions)

    def forward(self, input: Tensor) -> Tensor:
        """The input with longer last dimensions."""
        return F.pad(input, self.padding, self.mode)

    def extra_repr(self) -> str:
        return f"{self.padding}"


class _ConstantPadNd(_PadNd):
    mode = "constant"

    value: float

    def __init__(self, padding: Size, value: float) -> None:
        super().__init__(padding)
        self.value = value

    def forward(self, input: Tensor) -> Tensor:
        """The input with longer last dimensions."""
        return F.pad(input, self.padding, self.mode, self.value)

    def extra_repr(self) -> str:
        return f"padding={self.padding}, value={self.value}"


class _ReflectionPadNd(_PadNd):
    mode = "reflect"


class _ReplicationPadNd(_PadNd):
    mode = "replicate"


class _CircularPadNd(_PadNd):
    mode = "circular"

    def forward(self, input: Tensor) -> Tensor:
        """The input with longer last dimensions."""
        if input.dim() not in (self.dimensions + 1, self.dimensions + 2):
            raise ValueError(
                f"expected {self.dimensions + 1}D or {self.dimensions + 2}D input "
                f"(got {input.dim()}D input)"
            )
        return super().forward(input)


class ConstantPad1d(_ConstantPadNd):
    """A signal with ``value`` on all sides.

    ``padding`` is one number or (left, right); the input is
    (N, C, L) or (C, L).
    """

    dimensions = 1


class ConstantPad2d(_ConstantPadNd):
    """An image with ``value`` on all sides.

    ``padding`` is one number or (left, right, top, bottom); the input is
    (N, C, H, W) or (C, H, W).
    """

    dimensions = 2


class ConstantPad3d(_ConstantPadNd):
    """A volume with ``value`` on all sides.

    ``padding`` is one number or (left, right, top, bottom, front, back); the input is
    (N, C, D, H, W) or (C, D, H, W).
    """

    dimensions = 3


class ReflectionPad1d(_ReflectionPadNd):
    """A signal reflected at its first and last elements, which are not repeated.

    ``padding`` is one number or (left, right); the input is
    (N, C, L) or (C, L).
    """

    dimensions = 1


class ReflectionPad2d(_ReflectionPadNd):
    """An image reflected at its first and last elements, which are not repeated.

    ``padding`` is one number or (left, right, top, bottom); the input is
    (N, C, H, W) or (C, H, W).
    """

    dimensions = 2


class ReflectionPad3d(_ReflectionPadNd):
    """A volume reflected at its first and last elements, which are not repeated.

    ``padding`` is one number or (left, right, top, bottom, front, back); the input is
    (N, C, D, H, W) or (C, D, H, W).
    """

    dimensions = 3


class ReplicationPad1d(_ReplicationPadNd):
    """A signal whose first and last elements are repeated.

    ``padding`` is one number or (left, right); the input is
    (N, C, L) or (C, L).
    """

    dimensions = 1


class ReplicationPad2d(_ReplicationPadNd):
    """An image whose first and last elements are repeated.

    ``padding`` is one number or (left, right, top, bottom); the input is
    (N, C, H, W) or (C, H, W).
    """

    dimensions = 2


class ReplicationPad3d(_ReplicationPadNd):
    """A volume whose first and last elements are repeated.

    ``padding`` is one number or (left, right, top, bottom, front, back); the input is
    (N, C, D, H, W) or (C, D, H, W).
    """

    dimensions = 3


class CircularPad1d(_CircularPadNd):
    """A signal that goes on at its other end.

    ``padding`` is one number or (left, right); the input is
    (N, C, L) or (C, L).
    """

    dimensions = 1


class CircularPad2d(_CircularPadNd):
    """An image that goes on at its other end.

    ``padding`` is one number or (left, right, top, bottom); the input is
    (N, C, H, W) or (C, H, W).
    """

    dimensions = 2


class CircularPad3d(_CircularPadNd):
    """A volume that goes on at its other end.

    ``padding`` is one number or (left, right, top, bottom, front, back); the input is
    (N, C, D, H, W) or (C, D, H, W).
    """

    dimensions = 3


class ZeroPad1d(ConstantPad1d):
    """A signal with zeros on all sides; ``padding`` as in ``ConstantPad1d``."""

    def __init__(self, padding: Size) -> None:
        super().__init__(padding, 0.0)

    def extra_repr(self) -> str:
        return f"{self.padding}"


class ZeroPad2d(ConstantPad2d):
    """An image with zeros on all sides; ``padding`` as in ``ConstantPad2d``."""

    def __init__(self, padding: Size) -> None:
        super().__init__(padding, 0.0)

    def extra_repr(self) -> str:
        return f"{self.padding}"


class ZeroPad3d(ConstantPad3d):
    """A volume with zeros on all sides; ``padding`` as in ``ConstantPad3d``."""

    def __init__(self, padding: Size) -> None:
        super().__init__(padding, 0.0)

    def extra_repr(self) -> str:
        return f"{self.padding}"
