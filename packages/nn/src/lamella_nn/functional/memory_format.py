"""The memory format of results that several ops make."""

from __future__ import annotations

from typing import TYPE_CHECKING

import lamella_core as core
from lamella_core.formats import suggests_channels_last

if TYPE_CHECKING:
    from lamella_core import Tensor


def in_format_of(input: Tensor, result: Tensor) -> Tensor:
    """``result``, channels-last where ``input`` is and has as many dimensions."""
    array = input._array
    if not suggests_channels_last(array) or result._array.ndim != array.ndim:
        return result
    wanted = core.channels_last if array.ndim == 4 else core.channels_last_3d
    return result.contiguous(memory_format=wanted)
