"""``lamella.utils``: home of ``lamella.utils.data``, which is loaded on first use."""

from importlib import import_module


def __getattr__(name: str) -> object:
    if name == "data":
        return import_module("lamella.utils.data")
    raise AttributeError(f"module 'lamella.utils' has no attribute {name!r}")
