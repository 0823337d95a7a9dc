"""``torch.segment_reduce``: sums and their like over segments of unequal length."""

from __future__ import annotations

from typing import TYPE_CHECKING

import lamella_core as core
from lamella_core.conventions.common import not_implemented_for

if TYPE_CHECKING:
    from lamella_core import Tensor
    from lamella_core.typing import Number

# What a segment without elements gives, and the same reduction's name in scatter_reduce.
_KINDS = {
    "sum": (0.0, "sum"),
    "mean": (0.0, "sum"),
    "prod": (1.0, "prod"),
    "max": (-float("inf"), "amax"),
    "min": (float("inf"), "amin"),
}


def segment_reduce(
    data: Tensor,
    reduce: str,
    *,
    lengths: Tensor | None = None,
    indices: Tensor | None = None,
    offsets: Tensor | None = None,
    axis: int = 0,
    unsafe: bool = False,
    initial: Number | None = None,
) -> Tensor:
    """Reduces each segment of one dimension.

    Args:
        data: floating, ``(*batch, n, *rest)``.
        reduce: ``"sum"``, ``"mean"``, ``"max"``, ``"min"`` or ``"prod"``.
        lengths: of the segments, ``(*batch, k)``.
        indices: not supported, as in PyTorch.
        offsets: where segments begin and the last one ends, ``(*batch, k + 1)``; instead of
            ``lengths``.
        axis: the dimension, which is the last of ``lengths``.
        unsafe: leave out the check that lengths are not negative and add up to ``n``.
        initial: what each reduction starts with. Without it, an empty segment gives 0, NaN, -inf,
            inf and 1, in the order above.

    Returns:
        ``(*batch, k, *rest)``.

    Raises:
        NotImplementedError: for types that are not floating.
        RuntimeError: for other names, without lengths and offsets, and when they do not fit.
    """
    if not data.is_floating_point():
        raise not_implemented_for("segment_reduce", data.dtype)
    if indices is not None:
        raise RuntimeError("segment_reduce(): indices based reduction is not supported yet.")
    if reduce not in _KINDS:
        raise RuntimeError(
            f"reduce argument must be either sum, prod, mean, max or min, got {reduce}"
        )
    if lengths is None and offsets is None:
        raise RuntimeError("segment_reduce(): Either lengths or offsets must be defined.")
    if not -data.ndim <= axis < data.ndim:
        raise IndexError(
            f"Dimension out of range (expected to be in range of [{-data.ndim}, {data.ndim - 1}], "
            f"but got {axis})"
        )
    axis %= data.ndim
    given = lengths if offsets is None else offsets
    assert given is not None
    if axis != given.ndim - 1 or given.shape[:-1] != data.shape[:axis]:
        raise RuntimeError(
            "segment_reduce(): Expected axis to be the last dimension of lengths but got "
            f"{axis}, with data of shape {list(data.shape)} and {list(given.shape)}."
        )
    size = data.shape[axis]
    if offsets is None:
        assert lengths is not None
        if not unsafe:
            if (lengths < 0).any():
                raise RuntimeError("lengths contains negative value!")
            if (lengths.sum(-1) != size).any():
                raise RuntimeError(
                    "segment_reduce(): Expected all rows of lengths along axis to sum to "
                    "data.size(lengths.dim()-1) when !unsafe."
                )
        offsets = core.cat((core.zeros_like(lengths[..., :1]), lengths.cumsum(-1)), -1)
    start, name = _KINDS[reduce]
    count = offsets.shape[-1] - 1
    shape = (*data.shape[:axis], count + 2, *data.shape[axis + 1 :])
    result = data.new_full(shape, start if initial is None else initial)
    # Segments 0 and the last are of what lies before the first offset and behind the last.
    places = core.arange(size, device=data.device).expand(*data.shape[:axis], size).contiguous()
    segments = core.searchsorted(offsets.contiguous(), places, right=True)
    segments = segments.reshape(*segments.shape, *[1] * (data.ndim - axis - 1)).expand_as(data)
    result = result.scatter_reduce(axis, segments, data, name).narrow(axis, 1, count)
    if reduce == "mean":
        lengths = offsets.diff().reshape(*offsets.shape[:-1], count, *[1] * (data.ndim - axis - 1))
        # An empty segment keeps what it started with, if that was said.
        return result / (lengths if initial is None else lengths.clamp(min=1)).to(data.dtype)
    return result
