"""Sparse tensors, and the dispatch layer that finds what an op does with them.

A sparse tensor is a :class:`SparseTensor` whose array is a :class:`COO`: two tensors, of indices
and of values. Its key has the bit :data:`SPARSE`, so that every call that it takes part in comes to
:class:`SparseLayer`, below autograd. A *handler* says what an op does there, written in ops on
indices and values, so that it runs on every device.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

from lamella_core import sparse_coo
from lamella_core.declaration import declare
from lamella_core.dispatch import REQUIRES_GRAD, KindLayer, new_bit, register_layer
from lamella_core.size import Size
from lamella_core.tensor import Tensor
from lamella_sparse.printing import format_coo

if TYPE_CHECKING:
    from collections.abc import Callable

    from lamella_core.dispatch import Backend, Op

SPARSE = new_bit()


class _Flags:
    """What code that asks for a memory order is told: there is no other one to bring it into."""

    c_contiguous = True


class COO:
    """Coordinates and values: the array of a sparse tensor.

    Attributes:
        indices: int64 ``(sparse_dim, nnz)``.
        values: ``(nnz, *dense_shape)``.
        shape: of the whole tensor; its first ``sparse_dim`` sizes are those of the indices.
        coalesced: whether indices are sorted and none stands twice.
    """

    __slots__ = ("__weakref__", "coalesced", "indices", "shape", "values")

    base = None
    flags = _Flags()

    def __init__(
        self, indices: Tensor, values: Tensor, shape: tuple[int, ...], coalesced: bool
    ) -> None:
        self.indices = indices
        self.values = values
        self.shape = shape
        self.coalesced = coalesced

    @property
    def dtype(self) -> Any:
        return self.values._array.dtype

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def size(self) -> int:
        size = 1
        for each in self.shape:
            size *= each
        return size

    @property
    def sparse_dim(self) -> int:
        return self.indices._array.shape[0]

    @property
    def nnz(self) -> int:
        return self.indices._array.shape[1]


class SparseTensor(Tensor):
    """A tensor that holds the elements which are not zero, by their coordinates."""

    __slots__ = ()

    _array: COO

    def __repr__(self) -> str:
        coo = self._array
        graph = None
        if self.requires_grad:
            graph = "requires_grad=True" if self.is_leaf else f"grad_fn=<{self.grad_fn.name()}>"
        return format_coo(coo.indices, coo.values, coo.shape, graph)

    @property
    def layout(self) -> Any:
        """``torch.sparse_coo``."""
        return sparse_coo

    @property
    def is_sparse(self) -> bool:
        """True."""
        return True

    @property
    def device(self) -> Any:
        """Where the values are."""
        return self._array.values.device

    def detach(self) -> Tensor:
        """The same indices and values, apart from the graph."""
        return plain(self)

    @property
    def data(self) -> Tensor:
        """As :meth:`detach`."""
        return plain(self)

    @data.setter
    def data(self, source: Tensor) -> None:
        if not isinstance(source, SparseTensor):
            raise RuntimeError("a sparse tensor's data can be set to a sparse tensor alone")
        self._array, self._dtype = source._array, source._dtype

    def stride(self, dim: int | None = None) -> Any:
        """Zeros: there are no strides."""
        return 0 if dim is not None else (0,) * self._array.ndim

    def is_contiguous(self, memory_format: Any = None) -> bool:
        """Fails: elements have no order in memory."""
        self._refuse("is_contiguous")

    def item(self) -> Any:
        """The Python number of a tensor of one element."""
        if self._array.size != 1:
            return super().item()
        return self.to_dense().item()

    def numpy(self, *, force: bool = False) -> Any:
        """Fails: ``to_dense().numpy()`` makes an array.

        Raises:
            TypeError: always.
        """
        raise TypeError("can't convert Sparse layout tensor to numpy. Use Tensor.to_dense() first.")

    def tolist(self) -> Any:
        """Fails as :meth:`numpy` does."""
        return self.numpy()

    def data_ptr(self) -> int:
        """Fails: there is no single block of memory."""
        raise RuntimeError(
            "Cannot access data pointer of Tensor that doesn't have storage: use "
            "values().data_ptr()"
        )

    def untyped_storage(self) -> Any:
        """Fails as :meth:`data_ptr` does."""
        self._refuse("untyped_storage")

    storage = storage_offset = untyped_storage

    def _refuse(self, what: str) -> NoReturn:
        raise NotImplementedError(
            f"{what}: not for sparse tensors; ask to_dense(), indices() or values()"
        )

    def __deepcopy__(self, memo: dict[int, Any]) -> Tensor:
        if not self.is_leaf:
            raise RuntimeError(
                "Only Tensors created explicitly by the user support the deepcopy protocol at the "
                "moment: use detach() first"
            )
        coo = self._array
        copy = make(coo.indices.clone(), coo.values.clone(), coo.shape, coo.coalesced)
        memo[id(self)] = copy
        return copy.requires_grad_() if self.requires_grad else copy

    def __reduce_ex__(self, protocol: Any) -> Any:
        from lamella_sparse.files import rebuild_sparse_tensor

        coo = self._array
        parts = (coo.indices, coo.values.detach(), Size(coo.shape), coo.coalesced)
        return rebuild_sparse_tensor, (sparse_coo, parts)


def make(
    indices: Tensor, values: Tensor, shape: tuple[int, ...], coalesced: bool = False
) -> SparseTensor:
    """A sparse tensor over these indices and values, which are neither copied nor checked."""
    tensor = object.__new__(SparseTensor)
    tensor._array = COO(indices, values, tuple(shape), coalesced)
    tensor._dtype = values._dtype
    tensor._key = values._key & ~REQUIRES_GRAD | SPARSE
    tensor._storage = tensor._graph = tensor._view = tensor._grad = None
    return tensor


def plain(tensor: Any) -> Any:
    """A tensor apart from the graph; anything else as it is."""
    if isinstance(tensor, SparseTensor):
        coo = tensor._array
        return make(coo.indices, coo.values, coo.shape, coo.coalesced)
    return tensor.detach() if isinstance(tensor, Tensor) else tensor


class SparseLayer(KindLayer):
    """Sends calls with a sparse argument to the op's handler.

    A handler gets tensors apart from the graph. That of an in-place variant, ``add_``, writes to
    its first argument.
    """

    name = "sparse"
    level = 50
    bits = SPARSE
    way_out = "to_dense()"

    def wrap(self, op: Op, key: int, below: Callable[..., Any]) -> Callable[..., Any]:
        if isinstance(op.convention, OnTensors):
            return below
        handler = self.handlers.get(op.name)
        if handler is not None:
            if op.mutates is None:
                return lambda *args: handler(*map(plain, args))
            return lambda target, *args: handler(target, *map(plain, args))
        if op.mutates is not None and op.base is not None and op.base.name in self.handlers:
            return self._replacing(op, self.handlers[op.base.name])
        return super().wrap(op, key, below)

    def _replacing(self, op: Op, handler: Callable[..., Any]) -> Callable[..., Any]:
        """The in-place or out variant: the target takes over what the handler gives."""
        from_out = op.mutates == "out"

        def into(*args: Any) -> Any:
            target = args[-1] if from_out else args[0]
            result = handler(*map(plain, args[:-1] if from_out else args))
            return overwrite(op.name, target, result)

        return into


def overwrite(op_name: str, target: Tensor, result: Tensor) -> Tensor:
    """Puts a result in the place of a tensor's contents."""
    from lamella_core.storage import mark_written

    if isinstance(target, SparseTensor) and isinstance(result, SparseTensor):
        if result._dtype is not target._dtype:
            raise RuntimeError(
                f"result type {result._dtype.class_name} can't be cast to the desired output type "
                f"{target._dtype.class_name}"
            )
        target._array = result._array
        mark_written(target)
        return target
    if isinstance(target, SparseTensor) or isinstance(result, SparseTensor):
        raise RuntimeError(
            f"{op_name}: a sparse result needs a sparse tensor to write to, and a dense one a dense"
        )
    return target.detach().copy_(result)


class OnTensors:
    """The convention of ops that are themselves written in ops, on indices and values.

    They differ from composites in that they have a derivative of their own.
    """

    __slots__ = ("body",)

    def __init__(self, body: Callable[..., Any]) -> None:
        self.body = body

    def bind(self, op: Op, backend: Backend, key: int) -> Callable[..., Any]:
        body = self.body
        return lambda *args: body(*map(plain, args))


def on_tensors(name: str) -> Callable[[Callable[..., Any]], Any]:
    """Declares an op from a function on tensors, whose signature is the op's."""
    return lambda body: declare(body, OnTensors(body), method=False, name=name)


_layer = SparseLayer()
register_layer(_layer)
handles = _layer.handles
