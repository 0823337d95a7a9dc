"""``lamella.utils``: home of ``checkpoint`` and others, which are loaded on first use."""

from importlib import import_module


def __getattr__(name: str) -> object:
    if name in ("_pytree", "benchmark", "checkpoint", "data", "deterministic", "dlpack", "hooks"):
        return import_module(f"lamella.utils.{name}")
    raise AttributeError(f"module 'lamella.utils' has no attribute {name!r}")
