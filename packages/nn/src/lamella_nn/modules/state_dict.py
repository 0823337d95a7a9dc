"""state_dict and load_state_dict: a module's state as a flat mapping of names to tensors."""

from __future__ import annotations

import warnings
from collections import OrderedDict, namedtuple
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from lamella_autograd import no_grad
from lamella_core import Tensor
from lamella_nn.modules.hooks import Hook, RemovableHandle, _WrappedHook
from lamella_nn.parameter import Parameter, is_lazy

if TYPE_CHECKING:
    from lamella_nn.modules.module import Module

_EXTRA_STATE = "_extra_state"


class _IncompatibleKeys(namedtuple("IncompatibleKeys", ["missing_keys", "unexpected_keys"])):
    """What ``load_state_dict`` returns: the names on one side only."""

    __slots__ = ()

    def __repr__(self) -> str:
        if not self.missing_keys and not self.unexpected_keys:
            return "<All keys matched successfully>"
        return super().__repr__()

    __str__ = __repr__


class StateDictMixin:
    """The part of ``Module`` that saves and loads its state."""

    # Rises where the meaning of a class's state changes; saved, and given to the loading code.
    _version: int = 1

    _parameters: dict[str, Parameter | None]
    _buffers: dict[str, Tensor | None]
    _non_persistent_buffers_set: set[str]
    _modules: dict[str, Module | None]
    _state_dict_hooks: OrderedDict[int, Hook]
    _state_dict_post_hooks_checked: OrderedDict[int, bool]
    _state_dict_pre_hooks: OrderedDict[int, Hook]
    _load_state_dict_pre_hooks: OrderedDict[int, Hook]
    _load_state_dict_post_hooks: OrderedDict[int, Hook]

    def get_extra_state(self) -> Any:
        """State beyond parameters and buffers; written by a class that has such state.

        Its result is saved under ``_extra_state`` and given to ``set_extra_state`` at loading.

        Raises:
            RuntimeError: the class has written none.
        """
        raise RuntimeError(
            f"{type(self).__name__} has no extra state: a class that has some defines "
            "get_extra_state and set_extra_state"
        )

    def set_extra_state(self, state: Any) -> None:
        """Take back what ``get_extra_state`` returned.

        Raises:
            RuntimeError: the class has written none.
        """
        raise RuntimeError(
            f"{type(self).__name__} has no extra state: a class that has some defines "
            "get_extra_state and set_extra_state"
        )

    def register_state_dict_pre_hook(self, hook: Hook) -> RemovableHandle:
        """Run ``hook(module, prefix, keep_vars)`` before ``state_dict`` collects the state."""
        return _register(self._state_dict_pre_hooks, hook)

    def register_state_dict_post_hook(self, hook: Hook) -> RemovableHandle:
        """Run ``hook(module, state_dict, prefix, local_metadata) -> None`` after collecting.

        The hook may change the state dict in place.
        """
        checked = self._state_dict_post_hooks_checked
        handle = RemovableHandle(self._state_dict_hooks, extra_dict=checked)
        self._state_dict_hooks[handle.id] = hook
        checked[handle.id] = True
        return handle

    def _register_state_dict_hook(self, hook: Hook) -> RemovableHandle:
        # Unlike a hook of register_state_dict_post_hook, this one may return another dict.
        if any(self._state_dict_hooks.get(i) is hook for i in self._state_dict_post_hooks_checked):
            raise RuntimeError(
                "Cannot register the same function as the state dict post hook that was "
                "previously registered via register_state_dict_post_hook"
            )
        return _register(self._state_dict_hooks, hook)

    def register_load_state_dict_pre_hook(self, hook: Hook) -> RemovableHandle:
        """Run a hook before this module's own state is looked up in the state dict.

        It is called as ``hook(module, state_dict, prefix, local_metadata, strict, missing_keys,
        unexpected_keys, error_msgs)`` and may change the state dict and the lists in place.
        """
        return self._register_load_state_dict_pre_hook(hook, with_module=True)

    def _register_load_state_dict_pre_hook(
        self, hook: Hook, with_module: bool = False
    ) -> RemovableHandle:
        return _register(
            self._load_state_dict_pre_hooks, _WrappedHook(hook, self if with_module else None)
        )

    def register_load_state_dict_post_hook(self, hook: Hook) -> RemovableHandle:
        """Run ``hook(module, incompatible_keys) -> None`` after this module's state is loaded.

        ``incompatible_keys`` has the lists ``missing_keys`` and ``unexpected_keys``; a hook may
        change them in place.
        """
        return _register(self._load_state_dict_post_hooks, hook)

    def state_dict(
        self, *args: Any, destination: Any = None, prefix: str = "", keep_vars: bool = False
    ) -> Any:
        """The parameters and persistent buffers of the tree by dotted name.

        Args:
            destination: a mapping to write into; a new ``OrderedDict`` where left out.
            prefix: put before every name.
            keep_vars: give the parameters themselves, not tensors detached from them.

        Returns:
            The mapping. Its tensors share memory with the module. Its attribute ``_metadata``
            holds the version of each module.
        """
        if args:
            warnings.warn(
                "Positional args are being deprecated, use kwargs instead.",
                FutureWarning,
                stacklevel=2,
            )
            given = dict(zip(("destination", "prefix", "keep_vars"), args, strict=False))
            destination = given.get("destination", destination)
            prefix = given.get("prefix", prefix)
            keep_vars = given.get("keep_vars", keep_vars)
        if destination is None:
            destination = OrderedDict()
            destination._metadata = OrderedDict()
        local_metadata = {"version": self._version}
        if hasattr(destination, "_metadata"):
            destination._metadata[prefix[:-1]] = local_metadata
        for hook in self._state_dict_pre_hooks.values():
            hook(self, prefix, keep_vars)
        self._save_to_state_dict(destination, prefix, keep_vars)
        for name, module in self._modules.items():
            if module is not None:
                module.state_dict(
                    destination=destination, prefix=f"{prefix}{name}.", keep_vars=keep_vars
                )
        for hook_id, hook in self._state_dict_hooks.items():
            new = hook(self, destination, prefix, local_metadata)
            if hook_id in self._state_dict_post_hooks_checked:
                if new is not None:
                    raise RuntimeError("state_dict post-hook must return None")
            elif new is not None:
                destination = new
        return destination

    def _save_to_state_dict(self, destination: Any, prefix: str, keep_vars: bool) -> None:
        """Write this module's own state, without that of the modules below."""
        for name, value in self._state_entries():
            whole = keep_vars or is_lazy(value)
            destination[prefix + name] = value if whole else value.detach()
        if _overrides(self, "get_extra_state"):
            destination[prefix + _EXTRA_STATE] = self.get_extra_state()

    def _state_entries(self) -> list[tuple[str, Tensor]]:
        entries: list[tuple[str, Tensor | None]] = list(self._parameters.items())
        entries += [
            (name, buffer)
            for name, buffer in self._buffers.items()
            if name not in self._non_persistent_buffers_set
        ]
        return [(name, value) for name, value in entries if value is not None]

    def load_state_dict(
        self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False
    ) -> _IncompatibleKeys:
        """Take the values of a state dict.

        What fits is taken before an error about the rest is raised.

        Args:
            state_dict: names and values, as ``state_dict`` returns them.
            strict: whether missing and unexpected names are an error.
            assign: make the given tensors the module's own in place of copying their values;
                dtype and device are then theirs.

        Returns:
            A named tuple of the lists ``missing_keys`` and ``unexpected_keys``.

        Raises:
            TypeError: ``state_dict`` is no mapping.
            RuntimeError: names or shapes differ; the text lists all of them.
        """
        if not isinstance(state_dict, Mapping):
            raise TypeError(f"Expected state_dict to be dict-like, got {type(state_dict)}.")
        load = _Loading(state_dict, assign)
        load.collect(self, load.state_dict, "")  # type: ignore[arg-type]
        incompatible = _IncompatibleKeys(load.missing_keys, load.unexpected_keys)
        errors = load.error_msgs
        if strict:
            for kind, keys in (
                ("Unexpected", load.unexpected_keys),
                ("Missing", load.missing_keys),
            ):
                if keys:
                    errors.insert(0, f"{kind} key(s) in state_dict: {_quoted(keys)}. ")
        if errors:
            raise RuntimeError(
                f"Error(s) in loading state_dict for {type(self).__name__}:\n\t"
                + "\n\t".join(errors)
            )
        return incompatible

    def _load_from_state_dict(
        self,
        state_dict: dict[str, Any],
        prefix: str,
        local_metadata: dict[str, Any],
        strict: bool,
        missing_keys: list[str],
        unexpected_keys: list[str],
        error_msgs: list[str],
    ) -> None:
        """Take this module's own state, without that of the modules below.

        A class whose state has changed its form overrides this, rewrites ``state_dict`` (which
        is a copy) according to ``local_metadata["version"]`` and calls the method it overrides.
        """
        for hook in self._load_state_dict_pre_hooks.values():
            hook(
                state_dict,
                prefix,
                local_metadata,
                strict,
                missing_keys,
                unexpected_keys,
                error_msgs,
            )
        assign = local_metadata.get("assign_to_params_buffers", False)
        local_state = dict(self._state_entries())
        for name, own in local_state.items():
            key = prefix + name
            if key not in state_dict:
                if strict:
                    missing_keys.append(key)
                continue
            value = state_dict[key]
            if not isinstance(value, Tensor):
                error_msgs.append(
                    f'While copying the parameter named "{key}", expected torch.Tensor or '
                    f"Tensor-like object from checkpoint but received {type(value)}"
                )
                continue
            if is_lazy(own):
                # A lazy module's hook has given it the value's shape, or is going to.
                if not is_lazy(value):
                    _write(self, name, key, own, value, assign, error_msgs)
                continue
            if own.dim() == 0 and value.dim() == 1 and value.shape[0] == 1:
                # Until its version 0.4 PyTorch saved scalars with one dimension.
                value = value[0]
            if value.shape != own.shape:
                error_msgs.append(
                    f"size mismatch for {key}: copying a param with shape {value.shape} from "
                    f"checkpoint, the shape in current model is {own.shape}."
                )
                continue
            _write(self, name, key, own, value, assign, error_msgs)
        extra_key = prefix + _EXTRA_STATE
        if _overrides(self, "set_extra_state"):
            if extra_key in state_dict:
                self.set_extra_state(state_dict[extra_key])
            elif strict:
                missing_keys.append(extra_key)
        elif strict and extra_key in state_dict:
            unexpected_keys.append(extra_key)
        if strict:
            for key in state_dict:
                if key.startswith(prefix) and key != extra_key:
                    name, dot, _ = key[len(prefix) :].partition(".")
                    if name not in (self._modules if dot else local_state):
                        unexpected_keys.append(key)


class _Loading:
    """One call of ``load_state_dict``: what it has found."""

    __slots__ = (
        "_assign",
        "_metadata",
        "error_msgs",
        "missing_keys",
        "state_dict",
        "unexpected_keys",
    )

    def __init__(self, state_dict: Mapping[str, Any], assign: bool) -> None:
        # A copy: classes that know an older form of their state rewrite it.
        self.state_dict: Any = OrderedDict(state_dict)
        self._metadata = getattr(state_dict, "_metadata", None)
        if self._metadata is not None:
            self.state_dict._metadata = self._metadata  # type: ignore[attr-defined]
        self._assign = assign
        self.missing_keys: list[str] = []
        self.unexpected_keys: list[str] = []
        self.error_msgs: list[str] = []

    def collect(self, module: Module, state_dict: dict[str, Any], prefix: str) -> None:
        """Give a module and those below it their state; run each one's hooks after those below."""
        local_metadata = {}
        if self._metadata is not None:
            local_metadata = dict(self._metadata.get(prefix[:-1], {}))
        if self._assign:
            local_metadata["assign_to_params_buffers"] = True
        module._load_from_state_dict(
            state_dict,
            prefix,
            local_metadata,
            True,
            self.missing_keys,
            self.unexpected_keys,
            self.error_msgs,
        )
        for name, child in module._modules.items():
            if child is not None:
                inner = f"{prefix}{name}."
                part = {key: value for key, value in state_dict.items() if key.startswith(inner)}
                self.collect(child, part, inner)
        incompatible = _IncompatibleKeys(self.missing_keys, self.unexpected_keys)
        for hook in module._load_state_dict_post_hooks.values():
            if hook(module, incompatible) is not None:
                raise AssertionError(
                    "Hooks registered with ``register_load_state_dict_post_hook`` are not "
                    "expected to return new values, if incompatible_keys need to be modified, "
                    "it should be done inplace."
                )


def _write(
    module: StateDictMixin,
    name: str,
    key: str,
    own: Tensor,
    value: Tensor,
    assign: bool,
    error_msgs: list[str],
) -> None:
    """Give a module's parameter or buffer its loaded value; note an error, do not raise it."""
    try:
        with no_grad():
            if not assign:
                own.copy_(value)
                return
            if isinstance(own, Parameter):
                if not isinstance(value, Parameter):
                    value = Parameter(value, requires_grad=own.requires_grad)
                else:
                    value.requires_grad_(own.requires_grad)
            setattr(module, name, value)
    except Exception as error:
        error_msgs.append(
            f'While copying the parameter named "{key}", whose dimensions in the model are '
            f"{own.data.shape} and whose dimensions in the checkpoint are {value.shape}, an "
            f"exception occurred : {error.args}."
        )


def _register(hooks: OrderedDict[int, Hook], hook: Hook) -> RemovableHandle:
    handle = RemovableHandle(hooks)
    hooks[handle.id] = hook
    return handle


def _overrides(module: StateDictMixin, method: str) -> bool:
    return getattr(type(module), method) is not getattr(StateDictMixin, method)


def _quoted(keys: list[str]) -> str:
    return ", ".join(f'"{key}"' for key in keys)
