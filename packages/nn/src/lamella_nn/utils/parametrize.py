"""Parametrizations: a parameter that is computed, at each access, from one that is learnt."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from lamella_autograd import no_grad
from lamella_core import Tensor
from lamella_nn.modules.container import ModuleDict, ModuleList
from lamella_nn.modules.module import Module
from lamella_nn.parameter import Parameter

__all__ = [
    "ParametrizationList",
    "cached",
    "is_parametrized",
    "register_parametrization",
    "remove_parametrizations",
    "transfer_parametrizations_and_params",
    "type_before_parametrizations",
]

# How many `cached` blocks are open, and what was computed in them, by module and name.
_open_blocks = 0
_computed: dict[tuple[int, str], Any] = {}


@contextmanager
def cached() -> Iterator[None]:
    """Compute each parametrized tensor once in the block, and keep it until the block ends.

    For code that reads a parametrized tensor several times, such as a loop over a sequence. The
    gradient of all the uses passes through the one computation.
    """
    global _open_blocks
    _open_blocks += 1
    try:
        yield
    finally:
        _open_blocks -= 1
        if not _open_blocks:
            _computed.clear()


class ParametrizationList(ModuleList):
    """The parametrizations of one tensor in order, and the tensors that it is computed from.

    It is found as ``module.parametrizations.<name>``, where ``register_parametrization`` puts it.

    Args:
        modules: the parametrizations; the first is applied first.
        original: the tensor that is parametrized.
        unsafe: leave out the checks that shape and dtype stay as they are.

    Attributes:
        original: what the tensor is computed from; ``original0``, ``original1``, ... where the
            ``right_inverse`` of the first parametrization gives a sequence.
        is_tensor: whether there is one such tensor.
        ntensors: the number of them.

    Raises:
        ValueError: there are no modules, or results are of another type, shape or dtype.
    """

    original: Tensor
    unsafe: bool
    is_tensor: bool
    ntensors: int

    def __init__(
        self, modules: Sequence[Module], original: Tensor | Parameter, unsafe: bool = False
    ) -> None:
        if not modules:
            raise ValueError("ParametrizationList requires one or more modules.")
        super().__init__(modules)
        self.unsafe = unsafe
        inverse: Any = original
        with no_grad():
            for module in reversed(modules):
                if hasattr(module, "right_inverse"):
                    try:
                        inverse = module.right_inverse(inverse)
                    except NotImplementedError:
                        # Such a parametrization starts from the tensor as it is.
                        continue
        if not isinstance(inverse, (Tensor, Sequence)):
            raise ValueError(
                "'right_inverse' must return a Tensor or a Sequence of tensors (list, tuple...). "
                f"Got {type(inverse).__name__}"
            )
        self.is_tensor = isinstance(inverse, Tensor)
        self.ntensors = 1 if self.is_tensor else len(inverse)
        if isinstance(inverse, Tensor):
            if inverse.dtype != original.dtype:
                raise ValueError(
                    "When `right_inverse` outputs one tensor, it may not change the dtype.\n"
                    f"original.dtype: {original.dtype}\n"
                    f"right_inverse(original).dtype: {inverse.dtype}"
                )
            if inverse.device != original.device:
                raise ValueError(
                    "When `right_inverse` outputs one tensor, it may not change the device.\n"
                    f"original.device: {original.device}\n"
                    f"right_inverse(original).device: {inverse.device}"
                )
            # The same parameter stays, so that an optimizer that holds it goes on with it.
            original.data = inverse.detach()
            _register(self, "original", original)
        else:
            for position, part in enumerate(inverse):
                if not isinstance(part, Tensor):
                    raise ValueError(
                        "'right_inverse' must return a Tensor or a Sequence of tensors (list, "
                        f"tuple...). Got element {position} of the sequence with type "
                        f"{type(part).__name__}."
                    )
                if isinstance(original, Parameter):
                    part = Parameter(part, original.requires_grad)
                part.requires_grad_(original.requires_grad)
                _register(self, f"original{position}", part)
        if not unsafe:
            result = self()
            if not isinstance(result, Tensor):
                raise ValueError(
                    f"A parametrization must return a tensor. Got {type(result).__name__}."
                )
            _check_unchanged(
                "Registering a parametrization may not change the {} of the tensor, unless "
                "`unsafe` flag is enabled.",
                ("unparametrized", original),
                ("parametrized", result),
            )

    def right_inverse(self, value: Tensor) -> None:
        """Set the originals such that the parametrized tensor becomes ``value``.

        The ``right_inverse`` of each parametrization is called, the last one first.

        Raises:
            RuntimeError: a parametrization has no ``right_inverse``.
            ValueError: the results do not fit the originals in number or dtype.
        """
        with no_grad():
            for module in reversed(list(self)):
                if not hasattr(module, "right_inverse"):
                    raise RuntimeError(
                        f"parametrization {type(module).__name__} does not implement right_inverse."
                    )
                value = module.right_inverse(value)
            if self.is_tensor:
                if not isinstance(value, Tensor):
                    raise ValueError(
                        f"`right_inverse` should return a tensor. Got {type(value).__name__}"
                    )
                _replace("`right_inverse`", value, "original", self.original)
                return
            if not isinstance(value, Sequence):
                raise ValueError(
                    "'right_inverse' must return a sequence of tensors. "
                    f"Got {type(value).__name__}."
                )
            if len(value) != self.ntensors:
                raise ValueError(
                    f"'right_inverse' must return a sequence of tensors of length {self.ntensors}. "
                    f"Got a sequence of length {len(value)}."
                )
            for position, part in enumerate(value):
                name = f"original{position}"
                if not isinstance(part, Tensor):
                    raise ValueError(
                        f"`right_inverse` must return a sequence of tensors. Got element "
                        f"{position} of type {type(part).__name__}"
                    )
                _replace(
                    f"Tensor {position} returned by `right_inverse`",
                    part,
                    name,
                    getattr(self, name),
                )

    def forward(self) -> Tensor:
        """The parametrized tensor."""
        modules = iter(self)
        result = next(modules)(*_originals(self))
        for module in modules:
            result = module(result)
        return result


def register_parametrization(
    module: Module, tensor_name: str, parametrization: Module, *, unsafe: bool = False
) -> Module:
    """Make ``module.<tensor_name>`` the result of ``parametrization`` of a tensor that is learnt.

    That tensor is then ``module.parametrizations.<tensor_name>.original``. Its first value is the
    present one, passed through ``parametrization.right_inverse`` where there is such a method; if
    that gives a sequence, its elements become ``original0``, ``original1``, ... and the
    parametrization gets all of them. A second parametrization of the same tensor is applied to
    the result of the first. Assigning to ``module.<tensor_name>`` sets the originals by the
    ``right_inverse`` of all. The class of the module becomes a new one, ``Parametrized<Name>``, a
    subclass of the old.

    Args:
        unsafe: leave out the checks that type, shape and dtype of the tensor stay as they are,
            for which parametrization and ``right_inverse`` are called once.

    Returns:
        The module.

    Raises:
        ValueError: the module has no parameter or buffer of this name, or a check fails.
    """
    parametrization.train(module.training)
    if is_parametrized(module, tensor_name):
        if not unsafe:
            _check_addition(module, tensor_name, parametrization)
        parametrizations: Any = module.parametrizations
        parametrizations[tensor_name].append(parametrization)
        parametrizations[tensor_name].unsafe |= unsafe
    elif tensor_name in module._parameters or tensor_name in module._buffers:
        original = getattr(module, tensor_name)
        entries = ParametrizationList([parametrization], original, unsafe)
        delattr(module, tensor_name)
        if not is_parametrized(module):
            _change_class(module)
            module.parametrizations = ModuleDict()
        setattr(type(module), tensor_name, _property_for(tensor_name))
        parametrizations = module.parametrizations
        parametrizations[tensor_name] = entries
    else:
        raise ValueError(
            f"Module '{module}' does not have a parameter, a buffer, or a parametrized element "
            f"with name '{tensor_name}'"
        )
    return module


def is_parametrized(module: Module, tensor_name: str | None = None) -> bool:
    """Whether this tensor of the module is parametrized; without a name, whether any is."""
    parametrizations = getattr(module, "parametrizations", None)
    if not isinstance(parametrizations, ModuleDict):
        return False
    if tensor_name is None:
        return len(parametrizations) > 0
    return tensor_name in parametrizations


def remove_parametrizations(
    module: Module, tensor_name: str, leave_parametrized: bool = True
) -> Module:
    """Make ``module.<tensor_name>`` a plain parameter or buffer again.

    Args:
        leave_parametrized: whether it takes the value that was computed, or the original.

    Returns:
        The module, whose class is the old one when no other tensor of it is parametrized.

    Raises:
        ValueError: the tensor is not parametrized, or its original is asked for and it has
            several.
    """
    if not is_parametrized(module, tensor_name):
        raise ValueError(f"Module {module} does not have a parametrization on {tensor_name}")
    parametrizations: Any = module.parametrizations
    entries = parametrizations[tensor_name]
    original = _originals(entries)[0]
    if not entries.is_tensor and not leave_parametrized:
        raise ValueError(
            "Cannot leave unparametrized (`leave_parametrized=False`) a tensor that is "
            "parametrized in terms of a sequence of tensors."
        )
    if leave_parametrized:
        with no_grad():
            value = getattr(module, tensor_name)
        if entries.is_tensor:
            if value.dtype != original.dtype:
                raise RuntimeError(
                    f"remove_parametrizations: the parametrization made {value.dtype} of "
                    f"{original.dtype}, which the parameter cannot take over; use "
                    "leave_parametrized=False"
                )
            original.data = value.detach()
        else:
            original = Parameter(value) if original.requires_grad else value
    delattr(type(module), tensor_name)
    del parametrizations[tensor_name]
    _register(module, tensor_name, original)
    if not is_parametrized(module):
        del module.parametrizations
        module.__class__ = type(module).__bases__[0]  # type: ignore[assignment]
    return module


def type_before_parametrizations(module: Module) -> type:
    """The class that the module had before a parametrization was registered."""
    return type(module).__bases__[0] if is_parametrized(module) else type(module)


def transfer_parametrizations_and_params(
    from_module: Module, to_module: Module, tensor_name: str | None = None
) -> Module:
    """Register the parametrizations of one module on another, which then shares the originals.

    Args:
        tensor_name: the tensor whose parametrizations are meant; all where left out.

    Returns:
        ``to_module``; as it was, if ``from_module`` is not parametrized.
    """
    if not is_parametrized(from_module):
        return to_module
    sources: Any = from_module.parametrizations
    for name in [tensor_name] if tensor_name is not None else list(sources):
        source = sources[name]
        if getattr(to_module, name, None) is None:
            setattr(to_module, name, Parameter(getattr(from_module, name).detach()))
        for parametrization in source:
            register_parametrization(to_module, name, parametrization)
        targets: Any = to_module.parametrizations
        for kind in ("_parameters", "_buffers"):
            setattr(targets[name], kind, dict(getattr(source, kind)))
    return to_module


def _originals(entries: ParametrizationList) -> list[Tensor]:
    if entries.is_tensor:
        return [entries.original]
    return [getattr(entries, f"original{position}") for position in range(entries.ntensors)]


def _register(module: Module, name: str, tensor: Tensor) -> None:
    if isinstance(tensor, Parameter):
        module.register_parameter(name, tensor)
    else:
        module.register_buffer(name, tensor)


def _replace(source: str, value: Tensor, name: str, target: Tensor) -> None:
    if value.dtype != target.dtype:
        raise ValueError(
            f"{source} has dtype {value.dtype} while `{name}` has dtype {target.dtype}"
        )
    target.data = value.detach()


def _check_unchanged(text: str, before: tuple[str, Tensor], after: tuple[str, Tensor]) -> None:
    for attribute in ("dtype", "shape"):
        values = [(name, getattr(tensor, attribute)) for name, tensor in (before, after)]
        if values[0][1] != values[1][1]:
            lines = "\n".join(f"{name} {attribute}: {value}" for name, value in values)
            raise ValueError(f"{text.format(attribute)}\n{lines}")


def _check_addition(module: Module, tensor_name: str, parametrization: Any) -> None:
    """Raise where a further parametrization would change type, shape or dtype of the tensor."""
    before = getattr(module, tensor_name)
    after = parametrization(before)
    if not isinstance(after, Tensor):
        raise ValueError(f"A parametrization must return a tensor. Got {type(after).__name__}.")
    name = f"module.{tensor_name}"
    _check_unchanged(
        "Registering a parametrization may not change the {} of the tensor, unless the `unsafe` "
        "flag is enabled.",
        (name, before),
        (f"parametrization({name})", after),
    )
    if not hasattr(parametrization, "right_inverse"):
        return
    try:
        inverse = parametrization.right_inverse(after)
    except NotImplementedError:
        return
    if not isinstance(inverse, Tensor):
        raise ValueError(
            f"parametrization.right_inverse must return a tensor. Got: {type(inverse).__name__}"
        )
    _check_unchanged(
        f"The tensor returned by parametrization.right_inverse must have the same {{}} as {name}, "
        "unless the `unsafe` flag is enabled.",
        (name, before),
        ("returned", inverse),
    )


def _change_class(module: Module) -> None:
    """Give the module a class of its own, on which properties can stand for its tensors."""
    base = type(module)
    members = {
        "__module__": __name__,
        "__getstate__": _refuse_pickling,
        "__deepcopy__": _deepcopy,
    }
    own: Any = type(f"Parametrized{base.__name__}", (base,), members)
    module.__class__ = own


def _refuse_pickling(module: Module) -> Any:
    raise RuntimeError(
        "Serialization of parametrized modules is only supported through state_dict(): the class "
        "of such a module exists in this process only. Save module.state_dict(), and load it into "
        "a module on which the same parametrizations are registered."
    )


def _deepcopy(module: Module, memo: dict[int, Any]) -> Module:
    """A copy with a class of its own, so that what is registered on one leaves the other alone."""
    done = memo.get(id(module))
    if done is not None:
        return done
    kind: Any = type(module)
    own: Any = type(kind.__name__, kind.__bases__, dict(vars(kind)))
    copied = own.__new__(own)
    memo[id(module)] = copied
    copied.__dict__ = copy.deepcopy(module.__dict__, memo)
    return copied


def _property_for(tensor_name: str) -> property:
    def get(module: Any) -> Tensor:
        entries = module.parametrizations[tensor_name]
        if not _open_blocks:
            return entries()
        key = id(module), tensor_name
        value = _computed.get(key)
        if value is None:
            value = _computed[key] = entries()
        return value

    def assign(module: Any, value: Tensor) -> None:
        module.parametrizations[tensor_name].right_inverse(value)

    return property(get, assign)
