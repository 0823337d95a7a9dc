"""Element types: one interned object each, which knows its NumPy dtype."""

from __future__ import annotations

import ml_dtypes
import numpy as np

BOOL, INTEGER, FLOATING, COMPLEX = range(4)


class dtype:
    """An element type, such as ``float32``.

    There is one object a type, so types are compared with ``is``.

    Attributes:
        name: ``"float32"``.
        numpy: the NumPy dtype that arrays of this type have.
        itemsize: bytes an element.
        category: 0 bool, 1 integer, 2 floating, 3 complex; promotion goes by it first.
        kinds: the category in words, and the name, as declarations of ops have them.
        is_floating_point, is_complex, is_signed: as PyTorch documents them.
        class_name: the name in legacy type strings and messages, ``"Float"``.
    """

    __slots__ = (
        "category",
        "class_name",
        "is_complex",
        "is_floating_point",
        "is_signed",
        "itemsize",
        "kinds",
        "name",
        "numpy",
    )

    name: str
    numpy: np.dtype
    itemsize: int
    category: int
    kinds: tuple[str, str]
    is_floating_point: bool
    is_complex: bool
    is_signed: bool
    class_name: str

    def __init__(self, name: str, numpy_type: object, category: int, class_name: str) -> None:
        self.name = name
        self.numpy = np.dtype(numpy_type)  # type: ignore[call-overload]
        self.itemsize = self.numpy.itemsize
        self.category = category
        self.kinds = ("bool", "integer", "floating", "complex")[category], name
        self.is_floating_point = category == FLOATING
        self.is_complex = category == COMPLEX
        self.is_signed = self.numpy.kind not in "ub"
        self.class_name = class_name

    def __repr__(self) -> str:
        return f"torch.{self.name}"

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return dtype_by_name, (self.name,)

    def to_real(self) -> dtype:
        """The type of a complex number's parts; any other type is its own."""
        return _REAL_OF.get(self, self)

    def to_complex(self) -> dtype:
        """The complex type whose parts are of this floating type.

        Raises:
            RuntimeError: for a type that has no complex counterpart.
        """
        if self.category == COMPLEX:
            return self
        try:
            return _COMPLEX_OF[self]
        except KeyError:
            raise RuntimeError(
                f"{self!r} has no complex counterpart; convert to float32 or float64 first"
            ) from None


bool_ = dtype("bool", np.bool_, BOOL, "Bool")
uint8 = dtype("uint8", np.uint8, INTEGER, "Byte")
uint16 = dtype("uint16", np.uint16, INTEGER, "UInt16")
uint32 = dtype("uint32", np.uint32, INTEGER, "UInt32")
uint64 = dtype("uint64", np.uint64, INTEGER, "UInt64")
int8 = dtype("int8", np.int8, INTEGER, "Char")
int16 = dtype("int16", np.int16, INTEGER, "Short")
int32 = dtype("int32", np.int32, INTEGER, "Int")
int64 = dtype("int64", np.int64, INTEGER, "Long")
float16 = dtype("float16", np.float16, FLOATING, "Half")
bfloat16 = dtype("bfloat16", ml_dtypes.bfloat16, FLOATING, "BFloat16")
float32 = dtype("float32", np.float32, FLOATING, "Float")
float64 = dtype("float64", np.float64, FLOATING, "Double")
complex64 = dtype("complex64", np.complex64, COMPLEX, "ComplexFloat")
complex128 = dtype("complex128", np.complex128, COMPLEX, "ComplexDouble")

ALL = (
    bool_, uint8, int8, int16, int32, int64,
    float16, bfloat16, float32, float64, complex64, complex128, uint16, uint32, uint64,
)  # fmt: skip

# They meet no other integers, and have no storage class: PyTorch came to them late.
WIDE_UNSIGNED = frozenset((uint16, uint32, uint64))


def names_in_c(prefix: str) -> dict[str, dtype]:
    """The types by C's names, which conversion methods have; a complex one's has ``prefix``."""
    return {
        d.class_name.replace("Complex", prefix).lower(): d for d in ALL if d not in WIDE_UNSIGNED
    }


_BY_NAME = {d.name: d for d in ALL}
_REAL_OF = {complex64: float32, complex128: float64}
_COMPLEX_OF = {float32: complex64, float64: complex128, bfloat16: complex64, float16: complex64}

OF_NUMPY: dict[np.dtype, dtype] = {d.numpy: d for d in ALL}

# What a Python type means as a dtype argument.
PYTHON_TYPES: dict[object, dtype] = {bool: bool_, int: int64, float: float64, complex: complex128}

REDUCED_PRECISION = frozenset((float16, bfloat16))


def register(kind: dtype) -> dtype:
    """Lets a further element type, such as a quantized one, be found by its name."""
    _BY_NAME[kind.name] = kind
    return kind


def dtype_by_name(name: str) -> dtype:
    """The interned type of that name, ``"float32"``."""
    return _BY_NAME[name]


def of_numpy(numpy_dtype: np.dtype) -> dtype:
    """The element type for a NumPy dtype.

    Raises:
        TypeError: when there is no such tensor type.
    """
    try:
        return OF_NUMPY[numpy_dtype]
    except KeyError:
        names = ", ".join(_BY_NAME)
        raise TypeError(
            f"can't convert an array of dtype {numpy_dtype}; the supported types are: {names}"
        ) from None


class _Defaults:
    # The floating type that Python floats and factory functions take, and what was planned by it.
    __slots__ = ("complex", "floating", "plans")

    def __init__(self) -> None:
        self.plans: list[dict[dtype, object]] = []
        self.floating = float32
        self.complex = complex64


defaults = _Defaults()


def get_default_dtype() -> dtype:
    """The floating type of new tensors that are given none; ``float32`` at the start."""
    return defaults.floating


def set_default_dtype(d: dtype) -> None:
    """Sets the floating type of new tensors that are given none.

    Args:
        d: a floating-point dtype.

    Raises:
        TypeError: when ``d`` is not a floating-point dtype.
    """
    if not isinstance(d, dtype) or not d.is_floating_point:
        raise TypeError(f"only floating-point types are supported as the default type, got {d!r}")
    if d is not defaults.floating:
        while defaults.plans:
            defaults.plans.pop().clear()
    defaults.floating = d
    defaults.complex = d.to_complex()


def of_number(value: object) -> dtype:
    """The type a Python number has as an operand of its own."""
    if isinstance(value, bool):
        return bool_
    if isinstance(value, int):
        return int64
    if isinstance(value, float):
        return defaults.floating
    if isinstance(value, complex):
        return defaults.complex
    raise TypeError(f"expected a Python number, got {type(value).__name__}")
