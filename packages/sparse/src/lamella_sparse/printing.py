"""The text of a sparse tensor."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lamella_core import dtype as dtypes
from lamella_core.printing import MODULE_PREFIX, append_suffixes, format_array, get_printoptions

if TYPE_CHECKING:
    from lamella_core.tensor import Tensor


def _text(tensor: Tensor, indent: int) -> str:
    """A tensor without the mention of its dtype, after ``indent`` columns of the line."""
    if not tensor.numel():
        return f"tensor([], size={tuple(tensor.shape)})"
    prefix = "tensor("
    return f"{prefix}{format_array(tensor.cpu().numpy(), indent + len(prefix))})"


def format_coo(indices: Tensor, values: Tensor, shape: tuple[int, ...], graph: str | None) -> str:
    """The ``repr`` of a sparse tensor.

    Args:
        graph: what is told of the graph; None for nothing.
    """
    suffixes = [] if values.is_cpu else [f"device='{values.device}'"]
    suffixes += [f"size={tuple(shape)}", f"nnz={indices.shape[1]}"]
    dtype = values.dtype
    if dtype not in (dtypes.defaults.floating, dtypes.defaults.complex, dtypes.int64, dtypes.bool_):
        suffixes.append(f"dtype={MODULE_PREFIX}{dtype.name}")
    suffixes.append(f"layout={MODULE_PREFIX}sparse_coo")
    if graph is not None:
        suffixes.append(graph)
    text = f"tensor(indices={_text(indices, 15)},\n       values={_text(values.detach(), 14)}"
    return append_suffixes(text, suffixes, 7, get_printoptions()["linewidth"], True)
