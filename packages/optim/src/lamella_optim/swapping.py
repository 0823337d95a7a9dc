"""An optimizer that acts on other parameters, and another state, for a while."""

from __future__ import annotations

from collections import defaultdict
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lamella_core.tensor import Tensor
    from lamella_optim.optimizer import Optimizer


@contextmanager
def swap_in_optimizer_params_and_state(
    optimizer: Optimizer,
    swapin_parameters: dict[str, Tensor],
    swapin_optim_state: dict[str, Any],
) -> Iterator[None]:
    """Lets an optimizer act on the given parameters and state; its own are back at the end.

    Unlike ``load_state_dict`` it replaces the parameters, too. What happens in place to tensors
    stays; what is put into the state anew, and changes of options, do not.

    Args:
        optimizer: it has to have a state already.
        swapin_parameters: tensors by name, in the order of the optimizer's parameters.
        swapin_optim_state: as ``optimizer.state_dict()`` returns it.

    Raises:
        RuntimeError: when the optimizer has no state, or groups or parameters are of another
            number.
    """
    name = "swap_in_optimizer_params_and_state"
    if not optimizer.state:
        raise RuntimeError(f"{name} requires initialized optimizer state.")
    given = swapin_optim_state.get("param_groups")
    if not isinstance(given, list):
        raise RuntimeError(
            f"{name} requires swapin_optim_state['param_groups'] to be a list of param-group "
            f"dicts, got {type(given).__name__}."
        )
    groups = optimizer.param_groups
    if len(given) != len(groups):
        raise RuntimeError(
            "swapin_optim_state has a different number of parameter groups than the live "
            f"optimizer: {len(given)}, not {len(groups)}."
        )
    for i, (group, other) in enumerate(zip(groups, given, strict=True)):
        if len(group["params"]) != len(other["params"]):
            raise RuntimeError(
                f"swapin_optim_state param group {i} has a different number of params than the "
                f"live optimizer param group: {len(other['params'])}, not {len(group['params'])}."
            )
    tensors = list(swapin_parameters.values())
    numbers = [number for other in given for number in other["params"]]
    if len(tensors) < len(numbers):
        raise RuntimeError(
            f"{name} requires the explicit parameter state to match optimizer.param_groups "
            f"ordering: there are {len(numbers)} parameters, but {len(tensors)} were given."
        )
    place = dict(zip(numbers, tensors, strict=False))
    state: defaultdict[Any, Any] = defaultdict(dict)
    for key, value in swapin_optim_state["state"].items():
        state[place.get(key, key)] = dict(value) if isinstance(value, dict) else value
    own_groups, own_state = groups, optimizer.state
    optimizer.param_groups = [
        {
            **({"param_names": group["param_names"]} if "param_names" in group else {}),
            **other,
            "params": [place[number] for number in other["params"]],
        }
        for group, other in zip(groups, given, strict=True)
    ]
    optimizer.state = state
    try:
        yield
    finally:
        optimizer.param_groups = own_groups
        optimizer.state = own_state
