"""Sparse tensors in files, as PyTorch writes them: layout, coordinates, values and shape."""

from __future__ import annotations

from typing import Any

from lamella_core.formats import layout, sparse_coo
from lamella_core.serialization import register_type
from lamella_core.tensor import Tensor
from lamella_sparse.conversion import sparse_coo_tensor


def rebuild_sparse_tensor(form: Any, data: Any) -> Tensor:
    """A sparse tensor out of a file.

    Args:
        form: the layout, which must be ``torch.sparse_coo``.
        data: coordinates, values, shape and, in newer files, whether coordinates are sorted and
            none stands twice, which is looked at.

    Raises:
        RuntimeError: another layout, parts that do not fit, or a coordinate outside of the shape.
    """
    if form is not sparse_coo:
        name = form.name if isinstance(form, layout) else type(form).__name__
        raise RuntimeError(f"the file holds a sparse tensor of layout {name!r}; sparse_coo is here")
    if (
        not isinstance(data, tuple)
        or len(data) not in (3, 4)
        or not all(type(part) is Tensor for part in data[:2])
        or not isinstance(data[2], tuple)
    ):
        raise RuntimeError("the file makes a sparse tensor of something else than its parts")
    indices, values, shape = data[:3]
    coalesced = len(data) == 4 and bool(data[3])
    if coalesced:
        places = indices.new_zeros((indices.shape[-1],))
        for each, size in zip(indices, shape, strict=False):
            places = places * size + each
        if not bool((places[1:] > places[:-1]).all()):
            raise RuntimeError("the file says that a sparse tensor is coalesced, and it is not")
    return sparse_coo_tensor(indices, values, shape, is_coalesced=coalesced)


register_type("torch._utils", "_rebuild_sparse_tensor", rebuild_sparse_tensor)
