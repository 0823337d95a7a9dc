"""Values handed over between PyTorch and lamella, for the tests of the areas.

``carry.py`` keeps strides and shared storages; here the values alone go over, as copies.
"""

from __future__ import annotations

from typing import Any

import torch

import lamella_core


def ours(value: Any) -> Any:
    """PyTorch's tensors, also those in containers, as lamella's."""
    if isinstance(value, torch.Tensor):
        return lamella_core.tensor(value.detach().numpy().copy())
    return _through(value, ours)


def theirs(value: Any) -> Any:
    """lamella's tensors, also those in containers, as PyTorch's."""
    if isinstance(value, lamella_core.Tensor):
        return torch.tensor(value.detach().numpy().copy())
    return _through(value, theirs)


def _through(value: Any, convert: Any) -> Any:
    if isinstance(value, dict):
        return {name: convert(each) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)([convert(each) for each in value])
    return value
