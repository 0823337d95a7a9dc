"""Sparse tensors made, taken apart and turned into dense ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import lamella_core as core
from lamella_core.tensor import Tensor
from lamella_sparse.coordinates import check, flat, joined, lookup
from lamella_sparse.layer import SparseTensor, make, on_tensors, plain

if TYPE_CHECKING:
    from collections.abc import Sequence


@on_tensors("coo_tensor")
def coo_tensor(
    values: Tensor, indices: Tensor, size: tuple[int, ...], coalesced: bool
) -> SparseTensor:
    """A sparse tensor over values and indices, which are not checked."""
    return make(indices, values, size, coalesced)


@on_tensors("coo_values")
def coo_values(input: Tensor) -> Tensor:
    """The values of a sparse tensor, also where coordinates stand twice."""
    return input._array.values


@on_tensors("coo_coalesce")
def coo_coalesce(input: Tensor) -> Tensor:
    """The same tensor with its coordinates in order, each once."""
    coo = input._array
    indices, values = joined(coo.indices, coo.values, coo.shape[: coo.sparse_dim])
    return make(indices, values, coo.shape, coalesced=True)


@on_tensors("coo_to_dense")
def coo_to_dense(input: Tensor) -> Tensor:
    """The sparse tensor with all its zeros."""
    coo = input._array
    sizes, rest = coo.shape[: coo.sparse_dim], coo.shape[coo.sparse_dim :]
    count = 1
    for size in sizes:
        count *= size
    if coo.values.dtype is core.bool:
        return coo_to_dense(make(coo.indices, coo.values.long(), coo.shape)).bool()
    result = coo.values.new_zeros((count, *rest))
    if coo.nnz:
        result.index_add_(0, flat(coo.indices, sizes), coo.values)
    return result.reshape(coo.shape)


@on_tensors("dense_to_coo")
def dense_to_coo(input: Tensor, sparse_dim: int) -> Tensor:
    """The elements, or blocks, of a dense tensor that are not all zero."""
    shape = tuple(input.shape)
    kept = input != 0
    if sparse_dim < len(shape):
        kept = kept.reshape(*shape[:sparse_dim], -1).any(-1)
    indices = kept.nonzero().t().contiguous() if sparse_dim else kept.reshape(1).nonzero().t()[:0]
    values = input[tuple(indices)] if sparse_dim else input.reshape(1, *shape)
    return make(indices, values, shape, coalesced=True)


@on_tensors("coo_take")
def coo_take(input: Tensor, indices: Tensor) -> Tensor:
    """The values of a tensor, sparse or dense, at coordinates: ``(nnz, *dense_shape)``."""
    dims = indices.shape[0]
    if not isinstance(input, SparseTensor):
        return input[tuple(indices)] if dims else input.reshape(1, *input.shape)
    if input._array.sparse_dim != dims:
        return coo_take(coo_to_dense(input), indices)
    coo = coo_coalesce(input)._array
    sizes = coo.shape[:dims]
    places, found = lookup(flat(coo.indices, sizes), flat(indices, sizes))
    if not coo.nnz:
        return coo.values.new_zeros((indices.shape[1], *coo.values.shape[1:]))
    taken = coo.values[places]
    return core.where(found.reshape(-1, *[1] * (taken.ndim - 1)), taken, core.zeros_like(taken))


# ------------ constructor


def sparse_coo_tensor(
    indices: Any,
    values: Any = None,
    size: Sequence[int] | None = None,
    *,
    dtype: Any = None,
    device: Any = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
    check_invariants: bool | None = None,
    is_coalesced: bool | None = None,
) -> Tensor:
    """A sparse tensor from coordinates and values; values of the same coordinates are added up.

    Args:
        indices: ``(sparse_dim, nnz)``, cast to int64; or the size, for a tensor without values.
        values: ``(nnz, *dense_shape)``.
        size: the shape, ``sparse_dim`` sizes and then those of the values; by default the least
            that holds all coordinates.
        dtype, device: of the values; by default their own.
        pin_memory: page-locked memory, which sparse tensors cannot have.
        requires_grad: whether gradients are computed for it.
        check_invariants: accepted; coordinates are always checked.
        is_coalesced: whether coordinates are sorted and none stands twice, which is not checked.

    Raises:
        RuntimeError: shapes that do not fit, or a coordinate outside of ``size``.
    """
    if pin_memory:
        raise RuntimeError("sparse_coo_tensor: pin_memory is for dense tensors; pin the values")
    if values is None:
        shape = tuple(size if size is not None else indices)
        none = core.zeros((len(shape), 0), dtype=core.int64, device=device)
        result: Tensor = make(none, core.zeros(0, dtype=dtype, device=device), shape, True)
        return result.requires_grad_() if requires_grad else result
    values = core.as_tensor(values, dtype=dtype, device=device)
    indices = core.as_tensor(indices, device=values.device).long()
    if indices.ndim != 2:
        raise RuntimeError(f"indices must be sparse_dim x nnz, but got: {list(indices.shape)}")
    dims, nnz = indices.shape
    if values.ndim < 1 or values.shape[0] != nnz:
        raise RuntimeError(
            f"indices and values must have same nnz, but got nnz from indices: {nnz}, nnz from "
            f"values: {values.shape[0] if values.ndim else 1}"
        )
    if size is None:
        if not nnz and dims:
            sizes = [0] * dims
        else:
            sizes = (indices.max(1).values + 1).tolist() if dims else []
        shape = (*sizes, *values.shape[1:])
    else:
        shape = tuple(size)
        if len(shape) != dims + values.ndim - 1:
            raise RuntimeError(
                f"'len(size) == sparse_dim + dense_dim' is not satisfied: len(size) = "
                f"{len(shape)}, sparse_dim = {dims}, dense_dim = {values.ndim - 1}"
            )
        if shape[dims:] != tuple(values.shape[1:]):
            raise RuntimeError(
                f"values has incorrect size, expected {[nnz, *shape[dims:]]}, got "
                f"{list(values.shape)}"
            )
    check(indices, shape[:dims])
    result = coo_tensor(values, indices, shape, bool(is_coalesced))
    if requires_grad:
        result = result.detach().requires_grad_()
    return result


# ------------ methods


def _coo(self: Tensor, name: str) -> Any:
    if not isinstance(self, SparseTensor):
        raise RuntimeError(f"{name} expected sparse coordinate tensor layout but got Strided")
    return self._array


def _to_sparse(
    self: Tensor, sparse_dim: int | None = None, *, layout: Any = None, dense_dim: int | None = None
) -> Tensor:
    """The tensor as a sparse one.

    Args:
        sparse_dim: how many dimensions, the first ones, have coordinates; all by default.
        layout: ``sparse_coo``.
        dense_dim: how many dimensions, the last ones, have none; the other way to say it.

    Raises:
        RuntimeError: a ``sparse_dim`` below 0 or above the number of dimensions.
        NotImplementedError: another layout.
    """
    if layout is not None and layout is not core.sparse_coo:
        raise NotImplementedError(f"to_sparse: layout {layout} is not there; sparse_coo is")
    if isinstance(self, SparseTensor):
        return self
    if sparse_dim is None:
        sparse_dim = self.ndim - (dense_dim or 0)
    if not 0 <= sparse_dim <= self.ndim:
        raise RuntimeError(
            f"sparse_dim argument must be in [0,{self.ndim}] range, but {sparse_dim} is given"
        )
    return dense_to_coo(self, sparse_dim)


def _to_dense(self: Tensor, dtype: Any = None, *, masked_grad: bool | None = None) -> Tensor:
    """The tensor with all its zeros; a dense tensor as it is.

    Args:
        dtype: cast to.
        masked_grad: accepted; the gradient is sparse, at the coordinates of the tensor.
    """
    result = coo_to_dense(self) if isinstance(self, SparseTensor) else self
    return result if dtype is None else result.to(dtype)


def _coalesce(self: Tensor) -> Tensor:
    """The tensor with its coordinates in order, each once."""
    coo = _coo(self, "coalesce")
    return self if coo.coalesced else coo_coalesce(self)


def _is_coalesced(self: Tensor) -> bool:
    """Whether coordinates are known to be in order, each once."""
    return _coo(self, "is_coalesced").coalesced


def _indices(self: Tensor) -> Tensor:
    """The coordinates, int64 ``(sparse_dim, nnz)``, of a coalesced tensor."""
    coo = _coo(self, "indices")
    if not coo.coalesced:
        raise RuntimeError(
            "Cannot get indices on an uncoalesced tensor, please call .coalesce() first"
        )
    return coo.indices


def _values(self: Tensor) -> Tensor:
    """The values, ``(nnz, *dense_shape)``, of a coalesced tensor."""
    coo = _coo(self, "values")
    if not coo.coalesced:
        raise RuntimeError(
            "Cannot get values on an uncoalesced tensor, please call .coalesce() first"
        )
    return coo_values(self)


def _sparse_mask(self: Tensor, mask: Tensor) -> Tensor:
    """The elements at the coordinates of a sparse tensor, as a sparse tensor.

    Raises:
        RuntimeError: ``mask`` is not sparse, or of another shape.
    """
    coo = _coo(mask, "sparse_mask")
    if coo.shape != tuple(self.shape):
        raise RuntimeError(
            f"sparse_mask(): operands have incompatible sizes; self has size {list(self.shape)} "
            f"but mask has size {list(coo.shape)}"
        )
    return coo_tensor(coo_take(self, coo.indices), coo.indices, coo.shape, coo.coalesced)


def _attach() -> None:
    members: dict[str, Any] = {
        "_indices": lambda self: _coo(self, "_indices").indices,
        "_nnz": lambda self: _coo(self, "_nnz").nnz,
        "_values": lambda self: plain(_coo(self, "_values").values),
        "coalesce": _coalesce,
        "dense_dim": lambda self: (
            self.ndim - self._array.sparse_dim if isinstance(self, SparseTensor) else self.ndim
        ),
        "indices": _indices,
        "is_coalesced": _is_coalesced,
        "sparse_dim": lambda self: self._array.sparse_dim if isinstance(self, SparseTensor) else 0,
        "sparse_mask": _sparse_mask,
        "to_dense": _to_dense,
        "to_sparse": _to_sparse,
        "to_sparse_coo": lambda self: _to_sparse(self),
        "values": _values,
    }
    for name, member in members.items():
        setattr(Tensor, name, member)


_attach()
