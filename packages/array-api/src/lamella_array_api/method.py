"""The method by which a library that follows the standard finds the namespace of a tensor."""

from __future__ import annotations

from typing import TYPE_CHECKING

import lamella_array_api
from lamella_core.tensor import Tensor

if TYPE_CHECKING:
    from types import ModuleType


def __array_namespace__(self: Tensor, *, api_version: str | None = None) -> ModuleType:
    """The standard's functions for this array.

    Args:
        api_version: the standard's version that the caller is written for.

    Raises:
        ValueError: when it is not one that the namespace keeps to.
    """
    if api_version not in (None, "2021.12", "2022.12", "2023.12", "2024.12"):
        raise ValueError(
            f"version {api_version!r} of the array API standard is not known; 2024.12 is the "
            "latest here"
        )
    return lamella_array_api


Tensor.__array_namespace__ = __array_namespace__  # type: ignore[attr-defined]
