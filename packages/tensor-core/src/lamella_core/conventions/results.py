"""Results of composites written into tensors that the caller gave."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lamella_core.conventions.common import store
from lamella_core.dispatch import backend_of_tensor

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lamella_core.tensor import Tensor


def write_out(op_name: str, result: Tensor, out: Tensor | None) -> Tensor:
    """``result`` itself, or ``out`` with the result written into it.

    Raises:
        RuntimeError: when the result's category does not fit the type of ``out``, or several of
            its elements share their memory.
    """
    if out is None:
        return result
    array = out._array
    if 0 in array.strides and any(
        step == 0 and size > 1 for step, size in zip(array.strides, array.shape, strict=True)
    ):
        raise RuntimeError(
            f"unsupported operation: more than one element of the written-to tensor refers to a "
            f"single memory location. Please clone() the tensor before performing the operation. "
            f"({op_name}: out has shape {list(array.shape)} and a stride of 0)"
        )
    store(op_name, backend_of_tensor(out), out, result._array, result._dtype, inplace=False)
    return out


def write_outs(op_name: str, results: Any, out: Sequence[Tensor] | None) -> Any:
    """The same for an op with several results; the tuple that comes back is of the same class."""
    if out is None:
        return results
    for result, target in zip(results, out, strict=True):
        write_out(op_name, result, target)
    return type(results)(out)
