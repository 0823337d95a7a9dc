"""The limits of number types: ``finfo`` of floating ones, ``iinfo`` of integers."""

from __future__ import annotations

import ml_dtypes
import numpy as np

from lamella_core import dtype as dtypes
from lamella_core.conventions.arguments import read_dtype


class finfo:
    """The limits of a floating-point type; of a complex one, those of its parts.

    Attributes:
        bits: bits a number.
        eps: the distance from 1 to the next number.
        max, min: the largest and the smallest finite number.
        tiny, smallest_normal: the smallest positive number of full precision.
        resolution: about the smallest relative difference in decimal digits.
        dtype: the type's name.

    Raises:
        TypeError: for another kind of type.
    """

    __slots__ = ("bits", "dtype", "eps", "max", "min", "resolution", "smallest_normal", "tiny")

    def __init__(self, type: dtypes.dtype | None = None) -> None:
        kind = read_dtype("finfo", type)
        if kind.category < dtypes.FLOATING:
            raise TypeError(
                f"torch.finfo() requires a floating point input type, got {kind!r}. Use "
                f"torch.iinfo to handle integers"
            )
        real = kind.to_real()
        info = ml_dtypes.finfo(real.numpy)
        self.bits = 8 * real.itemsize
        self.eps = float(info.eps)
        self.max = float(info.max)
        self.min = float(info.min)
        self.tiny = self.smallest_normal = float(info.smallest_normal)
        self.resolution = 10.0 ** -int(info.precision)
        self.dtype = real.name

    def __repr__(self) -> str:
        return (
            f"finfo(resolution={self.resolution:g}, min={self.min:g}, max={self.max:g}, "
            f"eps={self.eps:g}, smallest_normal={self.smallest_normal:g}, tiny={self.tiny:g}, "
            f"dtype={self.dtype})"
        )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, finfo) and self.dtype == other.dtype

    def __hash__(self) -> int:
        return hash((finfo, self.dtype))


class iinfo:
    """The limits of an integer type.

    Attributes:
        bits: bits a number.
        max, min: the largest and the smallest number.
        dtype: the type's name.

    Raises:
        TypeError: for another kind of type.
    """

    __slots__ = ("bits", "dtype", "max", "min")

    def __init__(self, type: dtypes.dtype) -> None:
        type = read_dtype("iinfo", type)
        if type.category == dtypes.BOOL:
            raise TypeError("torch.bool is not supported by torch.iinfo")
        if type.category != dtypes.INTEGER:
            raise TypeError(
                f"torch.iinfo() requires an integer input type, got {type!r}. Use torch.finfo to "
                f"handle floating point numbers"
            )
        info = np.iinfo(type.numpy)
        self.bits = info.bits
        self.max = int(info.max)
        self.min = int(info.min)
        self.dtype = type.name

    def __repr__(self) -> str:
        return f"iinfo(min={self.min:g}, max={self.max:g}, dtype={self.dtype})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, iinfo) and self.dtype == other.dtype

    def __hash__(self) -> int:
        return hash((iinfo, self.dtype))
