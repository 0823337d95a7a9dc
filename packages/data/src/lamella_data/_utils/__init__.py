"""Where PyTorch's documentation has ``collate`` and the map that it takes."""

from __future__ import annotations

from lamella_data._utils import collate
