"""Hooks around a module's call: registration for one module and for all of them."""

from __future__ import annotations

import warnings
import weakref
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from lamella_autograd import RemovableHandle as _RemovableHandle
from lamella_autograd import is_grad_enabled
from lamella_core.serialization import register_place
from lamella_nn.modules.gradient_tap import BackwardHooks, hook_last_operation

Hook = Callable[..., Any]


class RemovableHandle(_RemovableHandle):
    """What registering a hook returns: ``remove()`` takes the hook away again.

    It is a context manager too: the hook is gone at the end of the ``with`` block. It keeps no
    module alive.

    Args:
        hooks: the hooks by number.
        extra_dict: what else is kept under the hook's number, one mapping or several.
    """

    def __init__(self, hooks: OrderedDict[int, Any], *, extra_dict: Any = None) -> None:
        super().__init__(hooks)
        extras = extra_dict if isinstance(extra_dict, (list, tuple)) else (extra_dict,)
        self._extras = tuple(weakref.ref(extra) for extra in extras if extra is not None)

    def __getstate__(self) -> tuple[Any, ...]:
        # What is referred to is copied or pickled with the handle, as the module that has both is.
        return self._hooks(), self.id, tuple(reference() for reference in self._extras)

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        hooks, self.id, *extras = state
        self._hooks = weakref.ref(OrderedDict() if hooks is None else hooks)
        self._extras = tuple(
            weakref.ref(extra) for extra in (extras[0] if extras else ()) if extra is not None
        )
        # The next hook must not take the number, which came from another process.
        _RemovableHandle.next_id = max(_RemovableHandle.next_id, self.id + 1)

    def remove(self) -> None:
        """Take the hook away; doing so twice is no error."""
        super().remove()
        for reference in self._extras:
            extra = reference()
            if extra is not None:
                extra.pop(self.id, None)


class _WrappedHook:
    """A hook of loading, which may get the module that it is registered on as first argument.

    The module is not kept alive. It is PyTorch's class in files.
    """

    def __init__(self, hook: Hook, module: Any = None) -> None:
        self.hook = hook
        self.with_module = module is not None
        self.module = None if module is None else weakref.ref(module)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self.module is None:
            return self.hook(*args, **kwargs)
        module = self.module()
        if module is None:
            raise RuntimeError("You are trying to call the hook of a dead Module!")
        return self.hook(module, *args, **kwargs)

    def __getstate__(self) -> dict[str, Any]:
        state = {"hook": self.hook, "with_module": self.with_module}
        return state if self.module is None else {**state, "module": self.module()}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(state["hook"], state.get("module"))  # type: ignore[misc]


_global_backward_pre_hooks: OrderedDict[int, Hook] = OrderedDict()
_global_backward_hooks: OrderedDict[int, Hook] = OrderedDict()
_global_hooks_are_full: bool | None = None
_global_forward_pre_hooks: OrderedDict[int, Hook] = OrderedDict()
_global_forward_hooks: OrderedDict[int, Hook] = OrderedDict()
_global_forward_hooks_with_kwargs: OrderedDict[int, bool] = OrderedDict()
_global_forward_hooks_always_called: OrderedDict[int, bool] = OrderedDict()
_global_buffer_registration_hooks: OrderedDict[int, Hook] = OrderedDict()
_global_module_registration_hooks: OrderedDict[int, Hook] = OrderedDict()
_global_parameter_registration_hooks: OrderedDict[int, Hook] = OrderedDict()


class HookMixin:
    """The part of ``Module`` that keeps hooks and calls ``forward`` between them."""

    # True where a call may have hooks to run. Registration sets it, on the module or here for
    # all of them; a call that finds none clears it, so that later calls pay for one test only.
    _hooked = False

    # Whether the backward hooks are full ones; None where there has been none.
    _is_full_backward_hook: bool | None

    _backward_pre_hooks: OrderedDict[int, Hook]
    _backward_hooks: OrderedDict[int, Hook]
    _forward_hooks: OrderedDict[int, Hook]
    _forward_hooks_with_kwargs: OrderedDict[int, bool]
    _forward_hooks_always_called: OrderedDict[int, bool]
    _forward_pre_hooks: OrderedDict[int, Hook]
    _forward_pre_hooks_with_kwargs: OrderedDict[int, bool]
    forward: Callable[..., Any]

    def register_forward_pre_hook(
        self, hook: Hook, *, prepend: bool = False, with_kwargs: bool = False
    ) -> RemovableHandle:
        """Run ``hook(module, args) -> None or new args`` before each ``forward``.

        Args:
            hook: a single value that it returns is wrapped in a tuple.
            prepend: run it before the hooks that this module has already.
            with_kwargs: call it as ``hook(module, args, kwargs)``; it then returns None or a
                tuple ``(new_args, new_kwargs)``.
        """
        handle = RemovableHandle(
            self._forward_pre_hooks, extra_dict=self._forward_pre_hooks_with_kwargs
        )
        self._forward_pre_hooks[handle.id] = hook
        if with_kwargs:
            self._forward_pre_hooks_with_kwargs[handle.id] = True
        if prepend:
            self._forward_pre_hooks.move_to_end(handle.id, last=False)
        self.__dict__["_hooked"] = True
        return handle

    def register_forward_hook(
        self,
        hook: Hook,
        *,
        prepend: bool = False,
        with_kwargs: bool = False,
        always_call: bool = False,
    ) -> RemovableHandle:
        """Run ``hook(module, args, output) -> None or new output`` after each ``forward``.

        Args:
            hook: the function to run.
            prepend: run it before the hooks that this module has already.
            with_kwargs: call it as ``hook(module, args, kwargs, output)``.
            always_call: run it also where ``forward`` or another hook raised; ``output`` is then
                what there was, or None.
        """
        handle = RemovableHandle(
            self._forward_hooks,
            extra_dict=[self._forward_hooks_with_kwargs, self._forward_hooks_always_called],
        )
        self._forward_hooks[handle.id] = hook
        if with_kwargs:
            self._forward_hooks_with_kwargs[handle.id] = True
        if always_call:
            self._forward_hooks_always_called[handle.id] = True
        if prepend:
            self._forward_hooks.move_to_end(handle.id, last=False)
        self.__dict__["_hooked"] = True
        return handle

    def register_full_backward_pre_hook(self, hook: Hook, prepend: bool = False) -> RemovableHandle:
        """Run ``hook(module, grad_output) -> None or new grad_output`` as backward arrives.

        ``grad_output`` is a tuple with one entry for each output, None where it has no gradient.
        """
        return self._register_backward(self._backward_pre_hooks, hook, prepend)

    def register_backward_hook(self, hook: Hook) -> RemovableHandle:
        """Run ``hook(module, grad_input, grad_output)`` at the last operation of ``forward``.

        The old kind of hook: ``grad_input`` is that of the operation that made the output, which
        need not be the module's. ``register_full_backward_hook`` gives the module's.

        Raises:
            RuntimeError: the module has hooks of the other kind.
        """
        self._is_full_backward_hook = _one_kind(self._is_full_backward_hook, False)
        return self._register_backward(self._backward_hooks, hook, False)

    def register_full_backward_hook(self, hook: Hook, prepend: bool = False) -> RemovableHandle:
        """Run ``hook(module, grad_input, grad_output) -> None or new grad_input``.

        It runs when the gradients of the module's inputs are known. ``grad_input`` has one entry
        for each positional argument, None where that is no tensor. Inputs and outputs of a
        module with backward hooks must not be changed in place.
        """
        self._is_full_backward_hook = _one_kind(self._is_full_backward_hook, True)
        return self._register_backward(self._backward_hooks, hook, prepend)

    def _register_backward(
        self, hooks: OrderedDict[int, Hook], hook: Hook, prepend: bool
    ) -> RemovableHandle:
        handle = RemovableHandle(hooks)
        hooks[handle.id] = hook
        if prepend:
            hooks.move_to_end(handle.id, last=False)
        self.__dict__["_hooked"] = True
        return handle

    def _clear_hooked(self) -> bool:
        """Reset the flag at each level that has no hook left; True where none is left at all."""
        own = self._forward_hooks or self._forward_pre_hooks
        own = own or self._backward_hooks or self._backward_pre_hooks
        if not own:
            self.__dict__.pop("_hooked", None)
        shared = _global_forward_hooks or _global_forward_pre_hooks
        shared = shared or _global_backward_hooks or _global_backward_pre_hooks
        if not shared:
            HookMixin._hooked = False
        return not own and not shared

    def _call_with_hooks(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if self._clear_hooked():
            return self.forward(*args, **kwargs)
        result: Any = None
        called: set[int] = set()
        try:
            args, kwargs = self._run_forward_pre_hooks(args, kwargs)
            backward = self._backward_hooks_of_call()
            if backward is not None:
                args = backward.tap_inputs(args)
            result = self.forward(*args, **kwargs)
            for always, with_kwargs, hooks in self._forward_hook_lists():
                for hook_id, hook in tuple(hooks.items()):
                    if hook_id in always:
                        called.add(hook_id)
                    new = _call_forward_hook(
                        hook, hook_id in with_kwargs, self, args, kwargs, result
                    )
                    if new is not None:
                        result = new
            partial_hooks = self._hooks_of_last_operation()
            if partial_hooks:
                hook_last_operation(self, partial_hooks, args, result)
            if backward is None:
                return result
            return backward.tap_outputs(result)
        except Exception:
            self._run_always_called_hooks(called, args, kwargs, result)
            raise

    def _run_forward_pre_hooks(
        self, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        for hooks in (_global_forward_pre_hooks, self._forward_pre_hooks):
            for hook_id, hook in tuple(hooks.items()):
                if hook_id not in self._forward_pre_hooks_with_kwargs:
                    new = hook(self, args)
                    if new is not None:
                        args = new if isinstance(new, tuple) else (new,)
                    continue
                new = hook(self, args, kwargs)
                if new is None:
                    continue
                if not isinstance(new, tuple) or len(new) != 2:
                    raise RuntimeError(
                        "forward pre-hook must return None or a tuple of (new_args, new_kwargs), "
                        f"but got {new}."
                    )
                args, kwargs = new
        return args, kwargs

    def _backward_hooks_of_call(self) -> BackwardHooks | None:
        hooks = (
            *(_global_backward_hooks.values() if _global_hooks_are_full is not False else ()),
            *(self._backward_hooks.values() if self._is_full_backward_hook is not False else ()),
        )
        pre_hooks = (*_global_backward_pre_hooks.values(), *self._backward_pre_hooks.values())
        if (hooks or pre_hooks) and is_grad_enabled():
            return BackwardHooks(self, hooks, pre_hooks)
        return None

    def _hooks_of_last_operation(self) -> tuple[Hook, ...]:
        return (
            *(_global_backward_hooks.values() if _global_hooks_are_full is False else ()),
            *(self._backward_hooks.values() if self._is_full_backward_hook is False else ()),
        )

    def _forward_hook_lists(self) -> tuple[tuple[Any, Any, OrderedDict[int, Hook]], ...]:
        return (
            (
                _global_forward_hooks_always_called,
                _global_forward_hooks_with_kwargs,
                _global_forward_hooks,
            ),
            (
                self._forward_hooks_always_called,
                self._forward_hooks_with_kwargs,
                self._forward_hooks,
            ),
        )

    def _run_always_called_hooks(
        self, called: set[int], args: tuple[Any, ...], kwargs: dict[str, Any], result: Any
    ) -> None:
        for owner, (always, with_kwargs, hooks) in zip(
            ("global module", "module"), self._forward_hook_lists(), strict=True
        ):
            for hook_id, hook in tuple(hooks.items()):
                if hook_id not in always or hook_id in called:
                    continue
                try:
                    new = _call_forward_hook(
                        hook, hook_id in with_kwargs, self, args, kwargs, result
                    )
                except Exception as error:
                    warnings.warn(
                        f"{owner} forward hook with ``always_call=True`` raised an exception "
                        f"that was silenced as another error was raised in forward: {error}",
                        stacklevel=2,
                    )
                else:
                    if new is not None:
                        result = new


def _call_forward_hook(
    hook: Hook,
    with_kwargs: bool,
    module: HookMixin,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    result: Any,
) -> Any:
    if with_kwargs:
        return hook(module, args, kwargs, result)
    return hook(module, args, result)


def _one_kind(have: bool | None, wanted: bool) -> bool:
    if have is not None and have is not wanted:
        raise RuntimeError(
            "Cannot use both regular backward hooks and full backward hooks on a single Module. "
            "Please use only one of them."
        )
    return wanted


def _register_global(
    hooks: OrderedDict[int, Hook], hook: Hook, flags: tuple[OrderedDict[int, bool], ...] = ()
) -> RemovableHandle:
    handle = RemovableHandle(hooks, extra_dict=flags)
    hooks[handle.id] = hook
    return handle


def register_module_forward_pre_hook(hook: Hook) -> RemovableHandle:
    """Run ``hook(module, args) -> None or new args`` before ``forward`` of every module.

    Global hooks run before a module's own.
    """
    HookMixin._hooked = True
    return _register_global(_global_forward_pre_hooks, hook)


def register_module_forward_hook(
    hook: Hook, *, with_kwargs: bool = False, always_call: bool = False
) -> RemovableHandle:
    """Run ``hook(module, args, output) -> None or new output`` after every ``forward``.

    ``with_kwargs`` and ``always_call`` are those of ``Module.register_forward_hook``.
    """
    flags = (_global_forward_hooks_with_kwargs, _global_forward_hooks_always_called)
    handle = _register_global(_global_forward_hooks, hook, flags)
    if with_kwargs:
        _global_forward_hooks_with_kwargs[handle.id] = True
    if always_call:
        _global_forward_hooks_always_called[handle.id] = True
    HookMixin._hooked = True
    return handle


def register_module_full_backward_pre_hook(hook: Hook) -> RemovableHandle:
    """Run ``hook(module, grad_output) -> None or new grad_output`` for every module."""
    HookMixin._hooked = True
    return _register_global(_global_backward_pre_hooks, hook)


def register_module_backward_hook(hook: Hook) -> RemovableHandle:
    """Run a hook of the old kind, see ``Module.register_backward_hook``, for every module.

    Raises:
        RuntimeError: there are hooks of the other kind.
    """
    global _global_hooks_are_full
    _global_hooks_are_full = _one_kind(_global_hooks_are_full, False)
    HookMixin._hooked = True
    return _register_global(_global_backward_hooks, hook)


def register_module_full_backward_hook(hook: Hook) -> RemovableHandle:
    """Run ``hook(module, grad_input, grad_output) -> None or new grad_input`` for every module.

    Raises:
        RuntimeError: there are hooks of the other kind.
    """
    global _global_hooks_are_full
    _global_hooks_are_full = _one_kind(_global_hooks_are_full, True)
    HookMixin._hooked = True
    return _register_global(_global_backward_hooks, hook)


def register_module_buffer_registration_hook(hook: Hook) -> RemovableHandle:
    """Run ``hook(module, name, buffer) -> None or new buffer`` where a buffer is registered."""
    return _register_global(_global_buffer_registration_hooks, hook)


def register_module_module_registration_hook(hook: Hook) -> RemovableHandle:
    """Run ``hook(module, name, submodule) -> None or new submodule`` at registration."""
    return _register_global(_global_module_registration_hooks, hook)


def register_module_parameter_registration_hook(hook: Hook) -> RemovableHandle:
    """Run ``hook(module, name, parameter) -> None or new parameter`` at registration."""
    return _register_global(_global_parameter_registration_hooks, hook)


def run_registration_hooks(
    hooks: OrderedDict[int, Hook], module: HookMixin, name: str, value: Any
) -> Any:
    """Pass a value that is about to be registered through the hooks; return what they make it."""
    for hook in tuple(hooks.values()):
        new = hook(module, name, value)
        if new is not None:
            value = new
    return value


register_place("torch.utils.hooks", RemovableHandle)
register_place("torch.nn.modules.module", _WrappedHook)
