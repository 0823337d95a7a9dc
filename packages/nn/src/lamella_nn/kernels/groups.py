"""Sums of rows by group, for look-ups and their gradients."""

from __future__ import annotations

from typing import Any

from lamella_core.backends.numpy_blocks import converted
from lamella_nn.kernels.precision import compute_type

# A step of the loop over places in a group costs about as much as this many additions in
# NumPy's ``reduceat``, which goes through rows a column at a time.
STEP_ELEMENTS = 2000


def sum_groups(
    xp: Any,
    source: Any,
    index: Any,
    starts: Any,
    lengths: Any,
    factors: Any = None,
    total: Any = None,
    places: Any = None,
) -> Any:
    """The sums of the rows ``source[index[start : start + length]]``, one for each group.

    All groups are summed in step, the longest first, so that nothing is gathered but one row of
    each; where a few groups are far longer than the rest, all rows are gathered and reduced.

    Args:
        source: ``(rows, features)``. Half precision is summed in float32.
        index: the rows of all groups, one group after the other.
        starts, lengths: where each group starts in ``index``, and how many it has.
        factors: a number for each row in ``index``, that it is multiplied by.
        total: where to write the sums, instead of a new array of float32 for half precision:
        places: the row of each group in it.

    Returns:
        ``(groups, features)``; zeros for an empty group.
    """
    features = source.shape[1]
    kind = compute_type(source.dtype)
    if total is None:
        total = xp.zeros((lengths.size, features), kind)
    longest = int(lengths.max()) if lengths.size else 0
    if not longest:
        return total
    if longest * STEP_ELEMENTS > index.size * features:
        rows = _rows(source, index, factors, kind)
        filled = xp.flatnonzero(lengths)
        total[filled if places is None else places[filled]] = xp.add.reduceat(
            rows, starts[filled], 0
        )
        return total
    order = xp.argsort(-lengths, kind="stable")
    starts, descending = starts[order], -lengths[order]
    live = xp.searchsorted(descending, -xp.arange(longest), side="left")
    order = order[: int(live[0])]
    sums: Any = None
    for step, count in enumerate(live.tolist()):
        given = starts[:count] + step
        part = None if factors is None else factors[given]
        # No name for the rows, with which they would still be there beside the next ones.
        if sums is None:
            sums = _rows(source, index[given], part, kind)
        else:
            sums[:count] += _rows(source, index[given], part, kind)
    total[order if places is None else places[order]] = sums
    return total


def _rows(source: Any, index: Any, factors: Any, kind: Any) -> Any:
    rows = converted(source.take(index, 0), kind)
    if factors is not None:
        rows *= converted(factors[:, None], kind)
    return rows
