"""Modules as functions of their parameters: ``functional_call``, and ensembles of modules."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lamella_core import Tensor, stack
from lamella_nn.modules.batchnorm import _BatchNorm

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from lamella_nn.modules.module import Module

__all__ = ["functional_call", "replace_all_batch_norm_modules_", "stack_module_state"]


class _Place:
    """Where a module keeps a parameter or buffer."""

    __slots__ = ("held", "name", "table")

    def __init__(self, table: dict[str, Any], name: str) -> None:
        self.table = table
        self.name = name
        self.held = table[name]


def _places(module: Module) -> Iterator[tuple[str, _Place]]:
    """The places of all parameters and buffers by dotted name, also those of tied ones."""
    for prefix, part in module.named_modules(remove_duplicate=False):
        for table in (part._parameters, part._buffers):
            for name, value in table.items():
                if value is not None:
                    dotted = f"{prefix}.{name}" if prefix else name
                    yield dotted, _Place(table, name)  # type: ignore[arg-type]


def functional_call(
    module: Module,
    parameter_and_buffer_dicts: dict[str, Tensor] | Sequence[dict[str, Tensor]],
    args: Any = None,
    kwargs: dict[str, Any] | None = None,
    *,
    tie_weights: bool = True,
    strict: bool = False,
) -> Any:
    """Calls a module with other tensors in the places of its parameters and buffers.

    The module is as it was afterwards. An in-place write to a buffer reaches the given tensor.

    Args:
        module: what to call.
        parameter_and_buffer_dicts: tensors by dotted name; one dictionary, or several without
            common names. What is not named stays.
        args: the arguments: a tuple, or a single one.
        kwargs: keyword arguments.
        tie_weights: a tensor for one of several names of one parameter is for all of them.
        strict: whether all names must be given, and no other.

    Raises:
        RuntimeError: when strict, for missing or unexpected names.
        ValueError: for a name in several dictionaries, different tensors for tied names, or
            something that is no dictionary.
    """
    given = _merged(parameter_and_buffer_dicts)
    places = dict(_places(module))
    names_of: dict[int, list[str]] = {}
    for name, place in places.items():
        names_of.setdefault(id(place.held), []).append(name)
    chosen: dict[str, Tensor] = {}
    for name, tensor in given.items():
        if name not in places:
            continue
        tied = names_of[id(places[name].held)] if tie_weights else [name]
        if any(other in given and given[other] is not tensor for other in tied):
            raise ValueError(
                f"functional_call got multiple values for keys {tied}, which are tied. Consider "
                f"using tie_weights=False"
            )
        for other in tied:
            chosen[other] = tensor
    if strict:
        _check_names(module, places, chosen, given)
    arguments = () if args is None else args if isinstance(args, tuple) else (args,)
    try:
        for name, tensor in chosen.items():
            places[name].table[places[name].name] = tensor
        return module(*arguments, **(kwargs or {}))
    finally:
        for name in chosen:
            places[name].table[places[name].name] = places[name].held


def _merged(dicts: Any) -> dict[str, Tensor]:
    if isinstance(dicts, dict):
        return dicts
    if not isinstance(dicts, (list, tuple)) or not all(isinstance(each, dict) for each in dicts):
        raise ValueError(
            f"Expected parameter_and_buffer_dicts to be a dict, or a list/tuple of dicts, but got "
            f"{type(dicts)}"
        )
    names = [name for each in dicts for name in each]
    repeated = [name for name in dict.fromkeys(names) if names.count(name) > 1]
    if repeated:
        raise ValueError(
            f"{repeated} appeared in multiple dictionaries; behavior of functional call is "
            f"ambiguous"
        )
    return {name: tensor for each in dicts for name, tensor in each.items()}


def _check_names(
    module: Module, places: dict[str, _Place], chosen: dict[str, Tensor], given: dict[str, Tensor]
) -> None:
    missing = sorted(places.keys() - chosen.keys())
    unexpected = sorted(given.keys() - places.keys())
    if not missing and not unexpected:
        return
    parts = []
    for what, names in (("Unexpected", unexpected), ("Missing", missing)):
        if names:
            listed = ", ".join(repr(name) for name in names)
            parts.append(f"\n\t{what} key(s): {listed}.")
    raise RuntimeError(f"Error(s) in reparametrizing for {type(module).__name__}: {''.join(parts)}")


def stack_module_state(
    models: Sequence[Module],
) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """The parameters and the buffers of several modules, stacked along a new first dimension.

    With :func:`functional_call` and ``vmap`` the modules run as one ensemble.

    Args:
        models: modules of one class and mode, with parameters of equal shapes.

    Returns:
        parameters and buffers by name; stacked parameters are leaves that require grad as theirs.

    Raises:
        RuntimeError: for no modules, or modules of different classes or modes.
    """
    if not len(models):
        raise RuntimeError("stack_module_state: Expected at least one model, got 0.")
    if any(model.training != models[0].training for model in models):
        raise RuntimeError(
            "stack_module_state: Expected all models to have the same training/eval mode."
        )
    if any(type(model) is not type(models[0]) for model in models):
        raise RuntimeError("stack_module_state: Expected all models to be of the same class.")
    parameters = _stacked([dict(model.named_parameters()) for model in models])
    buffers = _stacked([dict(model.named_buffers()) for model in models])
    return parameters, buffers


def _stacked(states: list[dict[str, Any]]) -> dict[str, Tensor]:
    found: dict[str, Tensor] = {}
    for name, first in states[0].items():
        whole = stack([state[name].detach() for state in states])
        found[name] = whole.requires_grad_(first.requires_grad)
    return found


def replace_all_batch_norm_modules_(root: Module) -> Module:
    """Takes the running statistics from every batch normalization in a module; returns the module.

    They are written to in training, which ``vmap`` refuses; without them the statistics of the
    batch are used, in evaluation, too.

    Args:
        root: the module, which is changed in place.
    """
    for part in root.modules():
        if isinstance(part, _BatchNorm):
            part.running_mean = part.running_var = part.num_batches_tracked = None
            part.track_running_stats = False
    return root
