"""Options that modules pass on to functions that make tensors."""

from __future__ import annotations

from typing import Any

_KNOWN = ("device", "dtype", "memory_format")


def factory_kwargs(kwargs: dict[str, Any] | None) -> dict[str, Any]:
    """The options for functions such as ``empty`` among keyword arguments of a module.

    Args:
        kwargs: ``device``, ``dtype`` and ``memory_format``, or a dict of them under
            ``factory_kwargs``, where a module has a use of its own for such a name.

    Raises:
        TypeError: there are other arguments, or one is given in both ways.
    """
    if kwargs is None:
        return {}
    unknown = set(kwargs) - {*_KNOWN, "factory_kwargs"}
    if unknown:
        raise TypeError(f"unexpected kwargs {unknown}")
    found = dict(kwargs.get("factory_kwargs", {}))
    for name in _KNOWN:
        if name in kwargs:
            if name in found:
                raise TypeError(f"{name} specified twice, in **kwargs and in factory_kwargs")
            found[name] = kwargs[name]
    return found
