"""What the core's ops do with sparse tensors."""

from __future__ import annotations

from typing import Any

import lamella_core as core
from lamella_core.dispatch import ops
from lamella_core.linalg import vector_norm as vector_norm_of
from lamella_core.storage import mark_written
from lamella_core.tensor import Tensor
from lamella_sparse.conversion import coo_coalesce, coo_take
from lamella_sparse.coordinates import flat, lookup
from lamella_sparse.layer import SparseTensor, handles, make, overwrite


def _with_values(like: Tensor, values: Tensor, coalesced: bool | None = None) -> Tensor:
    coo = like._array
    known = coo.coalesced if coalesced is None else coalesced
    return make(coo.indices, values, coo.shape, known)


def _same_shape(op_name: str, input: Tensor, other: Tensor) -> None:
    if input._array.shape != other._array.shape:
        raise RuntimeError(
            f"{op_name}: expected sizes of 'self' and 'other' to match, but "
            f"{list(input.shape)} != {list(other.shape)}"
        )


# ------------ sums and products


def _sum_of(input: Tensor, other: Tensor) -> Tensor:
    """Both tensors' coordinates one after the other."""
    _same_shape("add", input, other)
    one, two = input._array, other._array
    if one.sparse_dim != two.sparse_dim:
        raise RuntimeError(
            f"add: expected both tensors to have the same number of sparse dimensions, but got "
            f"{one.sparse_dim} and {two.sparse_dim}"
        )
    common = core.result_type(one.values, two.values)
    indices = core.cat([one.indices, two.indices], 1)
    values = core.cat([one.values.to(common), two.values.to(common)])
    return make(indices, values, one.shape)


def _add_to_dense(target: Tensor, other: Tensor) -> Tensor:
    """Adds the values of a sparse tensor to a dense one, in place."""
    _same_shape("add", target, other)
    coo = other._array
    if coo.nnz:
        if coo.sparse_dim:
            target.index_put_(tuple(coo.indices), coo.values.to(target.dtype), accumulate=True)
        else:
            target.add_(coo.values.sum(0))
    return target


@handles("add")
def add(input: Any, other: Any) -> Tensor:
    if isinstance(input, SparseTensor):
        if isinstance(other, SparseTensor):
            return _sum_of(input, other)
        raise RuntimeError("add(sparse, dense) is not supported. Use add(dense, sparse) instead.")
    if not isinstance(input, Tensor):
        raise RuntimeError("add: a number cannot be added to a sparse tensor; use to_dense() first")
    common = core.result_type(input, other._array.values)
    return _add_to_dense(input.to(common).clone(), other)


@handles("add_")
def add_(target: Tensor, other: Any) -> Tensor:
    if isinstance(target, SparseTensor):
        return overwrite("add_", target, add(target, other))
    _add_to_dense(target.detach(), other)
    mark_written(target)
    return target


@handles("sub")
def sub(input: Any, other: Any) -> Tensor:
    return add(input, -other)


@handles("sub_")
def sub_(target: Tensor, other: Any) -> Tensor:
    return add_(target, -other)


@handles("mul")
def mul(input: Any, other: Any) -> Tensor:
    if not isinstance(input, SparseTensor):
        input, other = other, input
    coo = input._array
    if not isinstance(other, Tensor) or not other.ndim:
        factor = other.to_dense() if isinstance(other, SparseTensor) else other
        return _with_values(input, coo.values * factor)
    _same_shape("mul", input, other)
    if not isinstance(other, SparseTensor):
        return _with_values(input, coo.values * coo_take(other, coo.indices))
    one, two = coo_coalesce(input)._array, coo_coalesce(other)._array
    sizes = one.shape[: one.sparse_dim]
    places, found = lookup(flat(two.indices, sizes), flat(one.indices, sizes))
    kept = found.nonzero()[:, 0]
    common = core.result_type(one.values, two.values)
    if not kept.numel():
        return make(one.indices[:, :0], one.values[:0].to(common), one.shape, coalesced=True)
    values = one.values[kept] * two.values[places[kept]]
    return make(one.indices[:, kept], values, one.shape, coalesced=True)


@handles("div")
def div(input: Any, other: Any) -> Tensor:
    if isinstance(other, SparseTensor) or (isinstance(other, Tensor) and other.ndim):
        raise RuntimeError(
            f"Sparse division requires a scalar or zero-dim dense tensor divisor (got shape "
            f"{list(other.shape)} for divisor)"
        )
    return _with_values(input, input._array.values / other)


@handles("scaled")
def scaled(input: Tensor, factor: Any, divides: bool) -> Tensor:
    values = input._array.values
    return _with_values(input, values / factor if divides else values * factor)


@handles("pow")
def pow(input: Any, exponent: Any) -> Tensor:
    if isinstance(exponent, Tensor) or exponent <= 0:
        raise RuntimeError(
            "pow: a sparse tensor can be raised to a number above 0 alone; use to_dense() first"
        )
    whole = coo_coalesce(input)
    return _with_values(whole, whole._array.values**exponent)


# ------------ element by element, where f(0) = 0

_LINEAR = "neg conj real imag deg2rad rad2deg"
_ZERO_TO_ZERO = """abs asin asinh atan atanh ceil erf erfinv expm1 floor frac log1p relu round sgn
    sign sin sinh sqrt square tan tanh trunc isnan isinf signbit nan_to_num"""


def _unary(name: str, linear: bool) -> None:
    function = ops[name].function

    @handles(name)
    def apply(input: Tensor, *args: Any) -> Tensor:
        # Values of the same coordinates have to be added up before a function that is not linear.
        whole = input if linear or input._array.coalesced else coo_coalesce(input)
        return _with_values(whole, function(whole._array.values, *args))


for _name in (*_LINEAR.split(), *_ZERO_TO_ZERO.split()):
    if _name in ops:
        _unary(_name, _name in _LINEAR)


# ------------ copies and views


@handles("clone")
def clone(input: Tensor, order: Any) -> Tensor:
    coo = input._array
    return make(coo.indices.clone(), coo.values.clone(), coo.shape, coo.coalesced)


@handles("to_dtype")
def to_dtype(input: Tensor, dtype: Any) -> Tensor:
    return _with_values(input, ops["to_dtype"].function(input._array.values, dtype))


@handles("to_device")
def to_device(input: Tensor, device: Any, source: Any, non_blocking: bool = False) -> Tensor:
    coo = input._array
    indices = coo.indices.to(device, non_blocking=non_blocking)
    values = coo.values.to(device, non_blocking=non_blocking)
    return make(indices, values, coo.shape, coo.coalesced)


@handles("copy_")
def copy_(target: Tensor, source: Tensor) -> Tensor:
    if not isinstance(target, SparseTensor) or not isinstance(source, SparseTensor):
        raise RuntimeError(
            "copy_() between dense and sparse Tensors is not implemented! Found self type = "
            f"{'sparse' if isinstance(target, SparseTensor) else 'dense'} and src type = "
            f"{'sparse' if isinstance(source, SparseTensor) else 'dense'}"
        )
    return overwrite("copy_", target, clone(source.to(target.dtype), None))


@handles("fill")
def fill(input: Tensor, value: Any) -> Tensor:
    if isinstance(value, Tensor) or value != 0:
        raise RuntimeError("fill_: a sparse tensor can be filled with 0 alone")
    coo = input._array
    return make(coo.indices[:, :0], coo.values[:0], coo.shape, coalesced=True)


def _turned(input: Tensor, dims: list[int]) -> Tensor:
    """The tensor with its dimensions in another order; coordinates stay with coordinates."""
    coo = input._array
    count = coo.sparse_dim
    if sorted(dims[:count]) != list(range(count)):
        raise RuntimeError(
            "permute: the sparse dimensions of a sparse tensor can only change places with one "
            "another, and so can the dense ones"
        )
    indices = core.stack([coo.indices[dim] for dim in dims[:count]]) if count else coo.indices
    values = coo.values.permute(0, *[dim - count + 1 for dim in dims[count:]])
    same = dims[:count] == list(range(count))
    return make(indices, values, tuple([coo.shape[d] for d in dims]), coo.coalesced and same)


@handles("transpose")
def transpose(input: Tensor, dim0: int, dim1: int) -> Tensor:
    dims = list(range(input.ndim))
    dims[dim0], dims[dim1] = dims[dim1], dims[dim0]
    return _turned(input, dims)


@handles("permute")
def permute(input: Tensor, dims: Any) -> Tensor:
    return _turned(input, [dim % input.ndim for dim in dims])


@handles("index_select")
def index_select(input: Tensor, dim: int, index: Tensor) -> Tensor:
    coo = input._array
    dim %= input.ndim
    shape = (*coo.shape[:dim], index.shape[0], *coo.shape[dim + 1 :])
    if dim >= coo.sparse_dim:
        values = coo.values.index_select(dim - coo.sparse_dim + 1, index)
        return make(coo.indices, values, shape, coo.coalesced)
    matches = coo.indices[dim][:, None] == index[None, :]
    elements, places = matches.nonzero().t()
    indices = coo.indices[:, elements].clone()
    indices[dim] = places
    return make(indices, coo.values[elements], shape)


# ------------ reductions


@handles("sum")
def sum(input: Tensor, dim: Any, keepdim: bool, dtype: Any) -> Tensor:
    if dim is not None and dim != ():
        raise NotImplementedError("sum: over some dimensions, use sparse.sum for a sparse tensor")
    return input._array.values.sum(dtype=dtype)


@handles("vector_norm")
def vector_norm(input: Tensor, dim: Any, keepdim: bool, ord: float) -> Tensor:
    if dim is not None or keepdim or ord <= 0:
        raise NotImplementedError(
            "vector_norm: of a sparse tensor, over all dimensions and with an order above 0 alone; "
            "use to_dense() first"
        )
    return vector_norm_of(coo_coalesce(input)._array.values, ord)


# ------------ products


@handles("matmul")
def matmul(input: Tensor, other: Tensor) -> Tensor:
    from lamella_sparse.matrix import product

    return product(input, other)
