"""The text of a sparse tensor."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lamella_core import dtype as dtypes
from lamella_core.printing import MODULE_PREFIX, format_array

if TYPE_CHECKING:
    from lamella_core.tensor import Tensor


def _text(tensor: Tensor, indent: int) -> str:
    """A tensor without the mention of its dtype, after ``indent`` columns of the line."""
    if not tensor.numel():
        return f"tensor([], size={tuple(tensor.shape)})"
    prefix = "tensor("
    return f"{prefix}{format_array(tensor.cpu().numpy(), indent + len(prefix))})"


def format_coo(indices: Tensor, values: Tensor, shape: tuple[int, ...], suffix: str) -> str:
    """The ``repr`` of a sparse tensor.

    Args:
        suffix: what is told of the graph, with a comma before it.
    """
    shown = [
        f"indices={_text(indices, 15)}",
        f"       values={_text(values.detach(), 14)}",
        f"       size={tuple(shape)}, nnz={indices.shape[1]}",
    ]
    text = "tensor(" + ",\n".join(shown)
    if not values.is_cpu:
        text += f", device='{values.device}'"
    dtype = values.dtype
    if dtype not in (dtypes.defaults.floating, dtypes.defaults.complex, dtypes.int64, dtypes.bool_):
        text += f", dtype={MODULE_PREFIX}{dtype.name}"
    return f"{text}, layout={MODULE_PREFIX}sparse_coo{suffix})"
