"""The Tensor: an array, its type, its key and its place in the graph.

Ops attach themselves as methods when they are declared (``declaration.declare``); what is written
here is what every tensor has without any op.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

import numpy as np

from lamella_core import dtype as dtypes
from lamella_core import printing
from lamella_core.device import Device, device_of
from lamella_core.dispatch import (
    LIFTED,
    REQUIRES_GRAD,
    backend_of_tensor,
    innermost,
    mark_order,
)
from lamella_core.refusal import check_switches
from lamella_core.size import Size
from lamella_core.storage import (
    Storage,
    check_not_lifted,
    new_storage,
    start_in,
    storage_of,
    with_memory,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from lamella_core.dtype import dtype

T = TypeVar("T", bound="Tensor")

if TYPE_CHECKING:
    _Operator = Callable[[Any, Any], "Tensor"]

    def _operator(self: Any, other: Any, /) -> Tensor: ...
    def _unary(self: Any, /) -> Tensor: ...

    class _HasOps(type):
        # Lets a type checker accept that ops put themselves on the class.
        def __getattr__(cls, name: str) -> Any: ...
        def __setattr__(cls, name: str, value: Any) -> None: ...

else:
    _HasOps = type


class Tensor(metaclass=_HasOps):
    """A strided, typed, multi-dimensional array on a device.

    Made by factory functions (``tensor``, ``zeros``, …); calling the class is PyTorch's old way.

    The slots: ``_array`` the backend's array; ``_dtype``; ``_key`` the bits that dispatch goes by;
    ``_storage`` the memory block, None until asked for; ``_graph`` the node (or a node's numbered
    output) that made the tensor, None for leaves; ``_view`` the tensor that this one is a view of
    and the version it was made at, or None; ``_grad`` the accumulated gradient.
    """

    __slots__ = (
        "__dict__",
        "__weakref__",
        "_array",
        "_dtype",
        "_grad",
        "_graph",
        "_key",
        "_storage",
        "_view",
    )

    _array: Any
    _dtype: dtype
    _grad: Tensor | None
    _graph: Any
    _key: int
    _storage: Storage | None
    _view: tuple[Tensor, int] | None

    if TYPE_CHECKING:
        # Ops attach these, and every op that is a method, when they are declared.
        __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = _operator
        __truediv__ = __rtruediv__ = __floordiv__ = __rfloordiv__ = __mod__ = __rmod__ = _operator
        __pow__ = __rpow__ = __matmul__ = __rmatmul__ = __and__ = __rand__ = _operator
        __or__ = __ror__ = __xor__ = __rxor__ = __lshift__ = __rlshift__ = _operator
        __rshift__ = __rrshift__ = __lt__ = __le__ = __gt__ = __ge__ = __getitem__ = _operator
        __neg__ = __pos__ = __abs__ = __invert__ = _unary
        __eq__: ClassVar[_Operator]  # type: ignore[assignment]
        __ne__: ClassVar[_Operator]  # type: ignore[assignment]
        __setitem__: ClassVar[Callable[[Any, Any, Any], None]]

        grad: Tensor | None

        def __getattr__(self, name: str) -> Any: ...

    @staticmethod
    def _make_subclass(cls: type[T], data: Tensor, requires_grad: bool = False) -> T:
        # A new leaf of class ``cls`` over the memory of ``data``.
        tensor: Any = alias(data, cls)
        if requires_grad:
            tensor.requires_grad_(True)
        return tensor

    # ------------ description

    @property
    def shape(self) -> Size:
        """The size of each dimension."""
        return Size(self._array.shape)

    def size(self, dim: int | None = None) -> Any:
        """The shape, or the size of one dimension.

        Raises:
            IndexError: when ``dim`` is out of range.
        """
        if dim is None:
            return Size(self._array.shape)
        if dim.__class__ is bool:
            raise TypeError("argument 'dim' must be int, not bool")
        try:
            return self._array.shape[dim]
        except IndexError:
            ndim = self._array.ndim
            low, high = (-ndim, ndim - 1) if ndim else (-1, 0)
            raise IndexError(
                f"Dimension out of range (expected to be in range of [{low}, {high}], but got "
                f"{dim})"
            ) from None

    def stride(self, dim: int | None = None) -> Any:
        """The steps, in elements, from one element to the next along each dimension."""
        if self._key & LIFTED:
            strides = self._array.strides
        else:
            strides = backend_of_tensor(self).strides(self._array)
        if 0 in strides:
            from lamella_core.formats import shown_strides

            strides = shown_strides(self._array.shape, strides)
        if dim is None:
            return strides
        self.size(dim)
        return strides[dim]

    def storage_offset(self) -> int:
        """The position, in elements, of the first element in the storage."""
        begin = start_in(innermost(self)._array, storage_of(self).root, backend_of_tensor(self))
        return begin // self._dtype.itemsize

    def data_ptr(self) -> int:
        """The address of the first element; 0 where there is none."""
        plain = with_memory("data_ptr", self)
        if not plain._array.size:
            return 0
        return backend_of_tensor(plain).data_ptr(plain._array)

    def untyped_storage(self) -> Storage:
        """The memory block that this tensor is a view of."""
        check_not_lifted("untyped_storage", self)
        return storage_of(self)

    @property
    def dtype(self) -> dtype:
        """The element type."""
        return self._dtype

    @property
    def device(self) -> Device:
        """Where the memory is."""
        backend = backend_of_tensor(self)
        return backend.sole_device or device_of(
            backend.device_type, backend.device_index(innermost(self)._array)
        )

    @property
    def ndim(self) -> int:
        """The number of dimensions."""
        return self._array.ndim

    def dim(self) -> int:
        """The number of dimensions."""
        return self._array.ndim

    ndimension = dim

    def numel(self) -> int:
        """The number of elements."""
        return self._array.size

    nelement = numel

    def element_size(self) -> int:
        """Bytes an element."""
        return self._dtype.itemsize

    @property
    def itemsize(self) -> int:
        """Bytes an element."""
        return self._dtype.itemsize

    @property
    def nbytes(self) -> int:
        """Bytes of all elements."""
        return self._array.size * self._dtype.itemsize

    def is_floating_point(self) -> bool:
        """Whether the elements are floating-point numbers."""
        return self._dtype.is_floating_point

    def is_complex(self) -> bool:
        """Whether the elements are complex numbers."""
        return self._dtype.is_complex

    def is_signed(self) -> bool:
        """Whether the element type has negative numbers."""
        return self._dtype.is_signed

    @property
    def is_cuda(self) -> bool:
        """Whether the memory is on a CUDA device."""
        return backend_of_tensor(self).device_type == "cuda"

    @property
    def is_cpu(self) -> bool:
        """Whether the memory is the host's."""
        return backend_of_tensor(self).device_type == "cpu"

    def get_device(self) -> int:
        """The index of the device; -1 on the CPU."""
        index = self.device.index
        return -1 if index is None else index

    def is_contiguous(self) -> bool:
        """Whether the elements lie in row-major order without gaps."""
        return self._array.flags.c_contiguous

    # ------------ autograd

    @property
    def requires_grad(self) -> bool:
        """Whether gradients are computed for this tensor."""
        return bool(self._key & REQUIRES_GRAD)

    @requires_grad.setter
    def requires_grad(self, value: bool) -> None:
        self.requires_grad_(value)

    def requires_grad_(self, requires_grad: bool = True) -> Tensor:
        """Starts or stops recording on this tensor; ``lamella_autograd`` replaces this method.

        Raises:
            RuntimeError: without ``lamella_autograd``, when recording is asked for.
        """
        check_switches("requires_grad_", requires_grad=requires_grad)
        if requires_grad:
            raise RuntimeError(
                "requires_grad=True needs the package lamella-autograd: install it and import "
                "lamella_autograd (or lamella)"
            )
        return self

    @property
    def is_leaf(self) -> bool:
        """Whether no recorded op made this tensor."""
        # A leaf that was unpacked by saved-tensor hooks has the leaf itself in the graph's place.
        graph = self._graph
        return graph is None or not self._key & REQUIRES_GRAD or isinstance(graph, Tensor)

    @property
    def _version(self) -> int:
        return 0 if self._storage is None else self._storage.version

    @property
    def _base(self) -> Tensor | None:
        return None if self._view is None else self._view[0]

    def _is_view(self) -> bool:
        return self._view is not None

    @property
    def data(self) -> Tensor:
        """The same memory, apart from the graph: writes to it are not counted by autograd."""
        tensor = alias(self)
        tensor._storage = _apart(self, 0)
        return tensor

    @data.setter
    def data(self, source: Tensor) -> None:
        check_not_lifted("data", self, RuntimeError)
        if not isinstance(source, Tensor):
            raise TypeError(f"data has to be a tensor, but got {type(source).__name__}")
        if self._key & REQUIRES_GRAD and source._dtype.category < dtypes.FLOATING:
            raise RuntimeError(f"data of a tensor that requires grad cannot be {source._dtype}")
        self._array = source._array
        self._dtype = source._dtype
        backend_bits = backend_of_tensor(self).key
        self._key = self._key & ~backend_bits | backend_of_tensor(source).key
        # What was written to before stays so.
        self._storage = _apart(source, self._version)
        mark_order(self)

    # ------------ leaving the library

    def item(self) -> Any:
        """The Python number that a tensor of one element holds.

        Raises:
            RuntimeError: when there is not exactly one element.
        """
        array = self._array
        if array.size != 1:
            raise RuntimeError(f"a Tensor with {array.size} elements cannot be converted to Scalar")
        if array.__class__ is np.ndarray and self._dtype is not dtypes.bfloat16:
            return array.item()
        value = backend_of_tensor(self).to_numpy(self._array).item()
        return float(value) if self._dtype is dtypes.bfloat16 else value

    def tolist(self) -> Any:
        """The elements as nested lists of Python numbers; a number when there are no dimensions."""
        array = backend_of_tensor(self).to_numpy(self._array)
        if self._dtype is dtypes.bfloat16:
            array = array.astype(np.float32)
        return array.tolist()

    def numpy(self, *, force: bool = False) -> np.ndarray:
        """The elements as a NumPy array that shares the memory.

        Args:
            force: detach, and copy to the host, where that is needed.

        Raises:
            RuntimeError: for a tensor that requires grad, unless forced.
            TypeError: for a tensor that is not on the CPU, unless forced.
        """
        plain = with_memory("numpy", self)
        if plain is not self:
            return plain.numpy(force=force)
        if not force:
            if self._key & REQUIRES_GRAD:
                raise RuntimeError(
                    "Can't call numpy() on Tensor that requires grad. "
                    "Use tensor.detach().numpy() instead."
                )
            if not self.is_cpu:
                raise TypeError(
                    f"can't convert {self.device} device type tensor to numpy. Use Tensor.cpu() to "
                    "copy the tensor to host memory first."
                )
        return backend_of_tensor(self).to_numpy(self._array)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        array = self.numpy()
        if copy or (dtype is not None and array.dtype != dtype):
            if copy is False:
                raise ValueError(f"converting {array.dtype} to {dtype} needs a copy")
            return np.array(array, dtype=dtype, copy=True)
        return array

    @property
    def __array_namespace__(self) -> Any:
        from lamella_core.extras import array_api

        # Its distribution puts the method in this place.
        array_api()
        return self.__array_namespace__

    def to_device(self, device: Any, /, *, stream: Any = None) -> Tensor:
        """As ``to(device)``: the array API standard's name."""
        return self.to(device)

    def __bool__(self) -> bool:
        if self._array.size != 1:
            if self._array.size == 0:
                raise RuntimeError("Boolean value of Tensor with no values is ambiguous")
            raise RuntimeError("Boolean value of Tensor with more than one value is ambiguous")
        return bool(self.item())

    def __int__(self) -> int:
        return int(self._real_item())

    def __float__(self) -> float:
        if self._key & REQUIRES_GRAD:
            self._leave_graph()
        return float(self._real_item())

    def _one_item(self) -> Any:
        if self._array.size != 1:
            raise ValueError("only one element tensors can be converted to Python scalars")
        return self.item()

    def _real_item(self) -> Any:
        value = self._one_item()
        if isinstance(value, complex):
            if value.imag:
                raise RuntimeError(
                    "value cannot be converted to type double without overflow: it has an "
                    "imaginary part; take .real first"
                )
            return value.real
        return value

    def __complex__(self) -> complex:
        if self._key & REQUIRES_GRAD:
            self._leave_graph()
        return complex(self._one_item())

    def __index__(self) -> int:
        if self._dtype.category > dtypes.INTEGER or self._array.size != 1:
            raise TypeError("only integer tensors of a single element can be converted to an index")
        return int(self.item())

    def __delitem__(self, index: Any) -> None:
        raise TypeError("Tensor does not support deleting items")

    def __len__(self) -> int:
        if not self._array.ndim:
            raise TypeError("len() of a 0-d tensor")
        return self._array.shape[0]

    def __iter__(self) -> Iterator[Tensor]:
        if not self._array.ndim:
            raise TypeError("iteration over a 0-d tensor")
        return iter(self.unbind(0))

    def __contains__(self, element: Any) -> bool:
        if not isinstance(element, (Tensor, bool, int, float, complex)):
            raise RuntimeError(
                f"Tensor.__contains__ only supports Tensor or scalar, but you passed in a "
                f"{type(element)}."
            )
        return bool((self == element).any())

    __hash__ = object.__hash__
    _printed_name = "tensor"
    # Called with each class that a user derives; what dispatches by class takes its place.
    _on_subclass: ClassVar[Callable[[Any], None]] = staticmethod(lambda cls: None)

    def __init_subclass__(cls, **more: Any) -> None:
        super().__init_subclass__(**more)
        # A user's class prints under its name, those of these distributions as tensors.
        if not cls.__module__.startswith("lamella_"):
            cls._printed_name = cls.__name__
            Tensor._on_subclass(cls)

    def __repr__(self) -> str:
        if self._key & LIFTED:
            return self._array.describe()
        return printing.format_tensor(
            backend_of_tensor(self).to_numpy(self._array),
            dtype_name=self._dtype.name,
            is_default_dtype=self._dtype
            in (dtypes.defaults.floating, dtypes.defaults.complex, dtypes.int64, dtypes.bool_),
            device_suffix=None if self.is_cpu else str(self.device),
            class_name=self._printed_name,
            requires_grad=self.is_leaf and self.requires_grad,
            grad_fn_name=None if self.is_leaf else self.grad_fn.name().rpartition(":")[2],
        )

    def __format__(self, spec: str) -> str:
        if not self._array.ndim and self.__class__ is Tensor:
            return format(self.item(), spec)
        return object.__format__(self, spec)


# A tensor whose slots are not set. Its class's own call is the legacy constructor
# (``tensor_types``), which costs more.
blank: Callable[[], Tensor] = partial(object.__new__, Tensor)


def wrap(array: Any, dtype: dtype, key: int) -> Tensor:
    """A new tensor that owns ``array``."""
    tensor = blank()
    tensor._array = array
    tensor._dtype = dtype
    tensor._key = key
    tensor._storage = tensor._graph = tensor._view = tensor._grad = None
    return tensor


def _apart(tensor: Tensor, version: int) -> Storage:
    # The memory of a tensor with a count of writes of its own.
    shared = storage_of(tensor)
    storage = new_storage(shared.root, shared._key)
    storage.__class__ = shared.__class__
    storage.version = version
    return storage


def alias(tensor: Tensor, cls: type[Tensor] = Tensor) -> Tensor:
    """Another tensor over the same memory, apart from the graph."""
    new = object.__new__(cls)
    new._array = tensor._array
    new._dtype = tensor._dtype
    new._key = tensor._key & ~REQUIRES_GRAD
    new._storage = storage_of(tensor)
    new._graph = new._view = new._grad = None
    return new
