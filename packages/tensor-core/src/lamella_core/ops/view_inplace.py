"""Views that a tensor becomes: ``x.squeeze_()`` and its like change the object, not the memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lamella_core.conventions.results import write_out
from lamella_core.ops.view_order import t, transpose
from lamella_core.ops.views import as_strided, squeeze, unsqueeze
from lamella_core.storage import mark_written
from lamella_core.tensor import Tensor

if TYPE_CHECKING:
    from collections.abc import Sequence


def become(self: Tensor, view: Tensor, name: str) -> Tensor:
    """Makes a tensor what a view of it is; the object stays.

    Raises:
        RuntimeError: for a leaf that requires grad or a view of one, where calls are recorded.
    """
    if view._graph is not None:
        base = self if self._view is None else self._view[0]
        if self.is_leaf or base.is_leaf:
            raise RuntimeError(
                f"a leaf Variable that requires grad, or a view of one, is being used in an "
                f"in-place operation ({name})."
            )
        self._graph = view._graph
    self._array = view._array
    self._storage = view._storage
    self._key = view._key
    mark_written(self)
    if self._view is not None:
        # Its place in the graph is that of the view, and no older than this write.
        self._view = (self._view[0], self._version)
    return write_out(name, self, None)


def _squeeze_(self: Tensor, dim: int | Sequence[int] | None = None) -> Tensor:
    # :func:`squeeze` on the tensor itself.
    return become(self, squeeze(self, dim), "squeeze_")


def _unsqueeze_(self: Tensor, dim: int) -> Tensor:
    # :func:`unsqueeze` on the tensor itself.
    return become(self, unsqueeze(self, dim), "unsqueeze_")


def _transpose_(self: Tensor, dim0: int, dim1: int) -> Tensor:
    # :func:`transpose` on the tensor itself.
    return become(self, transpose(self, dim0, dim1), "transpose_")


def _t_(self: Tensor) -> Tensor:
    # :func:`t` on the tensor itself.
    return become(self, t(self), "t_")


def _as_strided_(
    self: Tensor, size: Sequence[int], stride: Sequence[int], storage_offset: int | None = None
) -> Tensor:
    # :func:`as_strided` on the tensor itself.
    return become(self, as_strided(self, size, stride, storage_offset), "as_strided_")


for _name, _method in {
    "as_strided_": _as_strided_,
    "squeeze_": _squeeze_,
    "swapaxes_": _transpose_,
    "swapdims_": _transpose_,
    "t_": _t_,
    "transpose_": _transpose_,
    "unsqueeze_": _unsqueeze_,
}.items():
    setattr(Tensor, _name, _method)
