"""Type aliases for annotations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from lamella_core.device import Device

Number: TypeAlias = bool | int | float | complex
"""A Python number: what may stand in the place of a tensor operand."""

DeviceLike: TypeAlias = Device | str | int
"""What names a device."""

Ints: TypeAlias = int | Sequence[int]
"""One integer or several: a size, a dimension, a list of dimensions."""
