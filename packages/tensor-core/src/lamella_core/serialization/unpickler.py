"""Reads pickles of trusted sources: any class may be made and any function called."""

from __future__ import annotations

import pickle
from importlib import import_module
from typing import TYPE_CHECKING, Any

from lamella_core.generator import Generator
from lamella_core.serialization import names, rebuild

if TYPE_CHECKING:
    from collections.abc import Callable


def trusting_unpickler(
    pickle_module: Any, file: Any, persistent_load: Callable[[Any], Any], options: dict[str, Any]
) -> Any:
    # An unpickler that takes PyTorch's names for lamella's.
    #
    # Args:
    #     pickle_module: whose ``Unpickler`` is built on; ``pickle`` or a module like it.
    #     file: where the pickle is read from.
    #     persistent_load: what a storage's record in the pickle stands for.
    #     options: keywords for the unpickler, ``encoding`` for instance.
    class Unpickler(pickle_module.Unpickler):  # type: ignore[misc,name-defined]
        def find_class(self, module_name: str, qualified_name: str) -> Any:
            found = find_counterpart(module_name, qualified_name)
            return super().find_class(module_name, qualified_name) if found is None else found

    unpickler = Unpickler(file, **options)
    unpickler.persistent_load = persistent_load
    return unpickler


class _RestoredGenerator(Generator):
    # A generator while its state is read: a pickle sets the state by this method.
    __slots__ = ()

    def __setstate__(self, state: Any) -> None:
        rebuild.set_generator_state(self, state)
        object.__setattr__(self, "__class__", Generator)


def find_counterpart(module_name: str, qualified_name: str) -> Any:
    # What a global of PyTorch's stands for; None for one of another package.
    #
    # Raises:
    #     UnpicklingError: for a global of PyTorch's that has no counterpart here.
    if qualified_name == "Generator" and module_name in ("torch", "torch._C"):
        return _RestoredGenerator
    try:
        return names.registered(module_name, qualified_name)
    except KeyError:
        pass
    if module_name != "torch" and not module_name.startswith("torch."):
        return None
    counterpart = names.counterpart_module(module_name)
    if counterpart is not None:
        try:
            found: Any = import_module(counterpart)
            for part in qualified_name.split("."):
                found = getattr(found, part)
            return found
        except (ModuleNotFoundError, AttributeError):
            pass
    # After the import, which has run the package that may say where else something is.
    known = names.placed(module_name, qualified_name)
    if known is not None:
        return known
    raise pickle.UnpicklingError(
        f"the file uses {module_name}.{qualified_name}, for which no imported package has a "
        "counterpart. Import the package that has it (lamella_nn for torch.nn) or make it known "
        "with lamella_core.serialization.register_type"
    )
