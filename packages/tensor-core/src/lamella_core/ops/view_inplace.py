"""Views that a tensor becomes: ``x.squeeze_()`` and its like change the object, not the memory."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any

from lamella_core.conventions.results import write_out
from lamella_core.ops.view_order import t, transpose
from lamella_core.ops.views import as_strided, squeeze, unsqueeze
from lamella_core.storage import mark_written
from lamella_core.tensor import Tensor

if TYPE_CHECKING:
    from collections.abc import Callable


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


def _on_itself(view: Callable[..., Tensor]) -> Callable[..., Tensor]:
    name = f"{view.__name__}_"

    @wraps(view)
    def method(self: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        return become(self, view(self, *args, **kwargs), name)

    method.__name__ = method.__qualname__ = name
    return method


for _view in (as_strided, squeeze, t, transpose, unsqueeze):
    setattr(Tensor, f"{_view.__name__}_", _on_itself(_view))
Tensor.swapaxes_ = Tensor.swapdims_ = Tensor.transpose_
