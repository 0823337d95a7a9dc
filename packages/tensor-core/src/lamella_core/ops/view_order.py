"""Views with the dimensions in another order."""

from __future__ import annotations

from operator import index as as_index
from typing import TYPE_CHECKING, Any

from lamella_core.composite import composite
from lamella_core.conventions.common import index_of, normalize_dim
from lamella_core.conventions.results import write_out
from lamella_core.dispatch import modes
from lamella_core.ops.views import _permute, _transpose, view_as_shape
from lamella_core.tensor import Tensor
from lamella_core.warning import warn_once

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["adjoint", "moveaxis", "movedim", "permute", "swapaxes", "swapdims", "t", "transpose"]

_permute_table = _permute.op.table
_transpose_table = _transpose.op.table


def _permute_checked(input: Tensor, dims: tuple[int, ...]) -> Tensor:
    ndim = input._array.ndim
    try:
        return _permute_table[modes.bits | input._key](input, dims)
    except (TypeError, ValueError):
        # NumPy refused: what was wrong is found out below.
        pass
    if len(dims) != ndim:
        raise RuntimeError(
            f"permute(): number of dimensions in the tensor input does not match the length of the "
            f"desired ordering of dimensions i.e. input.dim() = {ndim} is not equal to "
            f"len(dims) = {len(dims)}"
        )
    found = [normalize_dim(as_index(d), ndim) for d in dims]
    if len(set(found)) != ndim:
        raise RuntimeError(f"permute(): duplicate dims are not allowed, got {list(dims)}")
    return _permute_table[modes.bits | input._key](input, tuple(found))


@composite(method=False)
def permute(input: Tensor, dims: Sequence[int]) -> Tensor:
    """A view with the dimensions in the order ``dims``.

    Raises:
        RuntimeError: when ``dims`` does not name each dimension once.
        IndexError: when a dimension is out of range.
    """
    return _permute_checked(input, tuple(dims))


def _permute_method(self: Tensor, *order: Any, dims: Any = None) -> Tensor:
    # See :func:`permute`; the dimensions may also be given one by one.
    if dims is not None:
        order = tuple(dims)
    elif len(order) == 1 and order[0].__class__ is not int:
        order = tuple(order[0])
    return _permute_checked(self, order)


@composite(quick=True)
def transpose(input: Tensor, dim0: int, dim1: int) -> Tensor:
    """A view with two dimensions exchanged.

    Raises:
        IndexError: when a dimension is out of range.
    """
    ndim = input._array.ndim
    if not (dim0.__class__ is dim1.__class__ is int):
        dim0, dim1 = index_of(dim0, "dim0"), index_of(dim1, "dim1")
    if -ndim <= dim0 < ndim and -ndim <= dim1 < ndim:
        return _transpose_table[modes.bits | input._key](input, dim0, dim1)
    normalize_dim(dim0, ndim)
    normalize_dim(dim1, ndim)
    return view_as_shape(input, ())


@composite(quick=True)
def swapaxes(input: Tensor, axis0: int, axis1: int) -> Tensor:
    """Another name of :func:`transpose`."""
    return transpose(input, axis0, axis1)


@composite
def swapdims(input: Tensor, dim0: int, dim1: int) -> Tensor:
    """Another name of :func:`transpose`."""
    return transpose(input, dim0, dim1)


@composite(quick=True)
def t(input: Tensor) -> Tensor:
    """The transpose of a matrix; a tensor of fewer dimensions as it is.

    Raises:
        RuntimeError: for more than two dimensions.
    """
    ndim = input._array.ndim
    if ndim == 2:
        # The signs, here and in T, tell the graph's node what to be called.
        return _transpose_table[modes.bits | input._key](input, -2, 1)
    if ndim > 2:
        raise RuntimeError(f"t() expects a tensor with <= 2 dimensions, but self is {ndim}D")
    return write_out("t", view_as_shape(input, input._array.shape), None)


@composite
def movedim(input: Tensor, source: int | Sequence[int], destination: int | Sequence[int]) -> Tensor:
    """A view with the dimensions ``source`` moved to the places ``destination``.

    The other dimensions keep their order.

    Raises:
        RuntimeError: when the two differ in length, or name a dimension twice.
        IndexError: when a dimension is out of range.
    """
    ndim = input._array.ndim
    from_ = (source,) if isinstance(source, int) else tuple(source)
    to = (destination,) if isinstance(destination, int) else tuple(destination)
    if len(from_) != len(to):
        raise RuntimeError(
            f"movedim: Invalid source or destination dims: source ({list(from_)} dims) should "
            f"contain the same number of dims as destination ({list(to)} dims)"
        )
    sources = [normalize_dim(d, ndim) for d in from_]
    places = [normalize_dim(d, ndim) for d in to]
    for name, found, given in (("source", sources, from_), ("destination", places, to)):
        if len(set(found)) != len(found):
            raise RuntimeError(f"movedim: repeated dim in `{name}` ({list(given)})")
    if not ndim:
        return view_as_shape(input, ())
    rest = iter([d for d in range(ndim) if d not in sources])
    order = [sources[places.index(d)] if d in places else next(rest) for d in range(ndim)]
    return _permute_checked(input, tuple(order))


@composite
def moveaxis(
    input: Tensor, source: int | Sequence[int], destination: int | Sequence[int]
) -> Tensor:
    """Another name of :func:`movedim`."""
    return movedim(input, source, destination)


@composite
def adjoint(input: Tensor) -> Tensor:
    """The last two dimensions exchanged, and the conjugate of complex elements.

    Raises:
        RuntimeError: for a tensor of one dimension.
    """
    ndim = input._array.ndim
    _needs_matrix("adjoint()", ndim)
    turned = transpose(input, -2, -1) if ndim else input
    return turned.conj() if input._dtype.is_complex else turned


def _T(self: Tensor) -> Tensor:
    # A view with the dimensions in reverse order.
    ndim = self._array.ndim
    if ndim == 2:
        return _transpose_table[modes.bits | self._key](self, 1, -2)
    _deprecated_reversal("T", "mT")
    return _permute_checked(self, tuple(range(ndim - 1, -1, -1)))


def _deprecated_reversal(name: str, way_out: str) -> None:
    warn_once(
        f"x.{name} of other than 2 dimensions, which reverses them, is deprecated: use x.{way_out} "
        f"for batches of matrices, else x.permute()"
    )


def _needs_matrix(name: str, ndim: int) -> None:
    if ndim == 1:
        raise RuntimeError(
            f"tensor.{name} is only supported on matrices or batches of matrices. Got 1-D tensor."
        )
    if not ndim:
        warn_once(f"tensor.{name} of 0-D tensors is deprecated: it changes nothing")


def _mT(self: Tensor) -> Tensor:
    # A view with the last two dimensions exchanged.
    ndim = self._array.ndim
    if ndim > 1:
        return _transpose_table[modes.bits | self._key](self, -2, -1)
    _needs_matrix("mT", ndim)
    return self


def _H(self: Tensor) -> Tensor:
    # The conjugate transpose of a matrix.
    if self._array.ndim not in (0, 2):
        raise RuntimeError(
            f"tensor.H is only supported on matrices (2-D tensors). Got {self._array.ndim}-D "
            f"tensor."
            + (" For batches of matrices, consider using tensor.mH" if self._array.ndim > 2 else "")
        )
    return adjoint(self)


def _mH(self: Tensor) -> Tensor:
    # The conjugate of :attr:`mT`.
    if self._array.ndim == 1:
        _needs_matrix("mH", 1)
    return adjoint(self)


Tensor.permute = _permute_method
for _name, _getter in (("T", _T), ("mT", _mT), ("H", _H), ("mH", _mH)):
    setattr(Tensor, _name, property(_getter))
