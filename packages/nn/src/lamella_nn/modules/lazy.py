"""Lazy modules: parameters get their shapes from the first input."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lamella_core import Tensor
from lamella_nn.parameter import is_lazy

if TYPE_CHECKING:
    from lamella_nn.modules.hooks import RemovableHandle


class LazyModuleMixin:
    """For a module whose parameters or buffers are uninitialized until its first call.

    A class puts it before ``Module`` among its bases, sets ``UninitializedParameter`` and
    ``UninitializedBuffer`` attributes, and writes ``initialize_parameters``, which gets the
    arguments of the first call. Dtype and device are to be changed before that call. Random
    initial values are drawn in it, so that they come later than those of other modules.

    Attributes:
        cls_to_become: the class that the module has after its first call; None to stay.
    """

    cls_to_become: type | None = None

    _parameters: dict[str, Any]
    _buffers: dict[str, Tensor | None]
    _load_hook: RemovableHandle
    _initialize_hook: RemovableHandle

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        module: Any = self
        self._load_hook = module._register_load_state_dict_pre_hook(self._lazy_load_hook)
        self._initialize_hook = module.register_forward_pre_hook(
            self._infer_parameters, with_kwargs=True
        )

    def initialize_parameters(self, *args: Any, **kwargs: Any) -> None:
        """Give the parameters their shapes and first values; each class writes its own."""
        raise NotImplementedError(
            f"initialize_parameters is not implemented for {type(self).__name__}"
        )

    def has_uninitialized_params(self) -> bool:
        """Whether a parameter or buffer of this module has no shape yet."""
        return any(map(is_lazy, (*self._parameters.values(), *self._buffers.values())))

    def _lazy_load_hook(self, state_dict: dict[str, Any], prefix: str, *rest: Any) -> None:
        """Give what has no shape yet that of its value in a state dict."""
        for name, own in (*self._parameters.items(), *self._buffers.items()):
            value = state_dict.get(prefix + name)
            if is_lazy(own) and isinstance(value, Tensor) and not is_lazy(value):
                own.materialize(value.shape)

    def _infer_parameters(
        self, module: Any, args: tuple[Any, ...], kwargs: dict[str, Any] | None = None
    ) -> None:
        """Initialize from the arguments of a call, and become a plain module.

        Raises:
            RuntimeError: a parameter has no shape afterwards.
        """
        module.initialize_parameters(*args, **(kwargs or {}))
        if module.has_uninitialized_params():
            raise RuntimeError(
                f"module {module._get_name()} has not been fully initialized: "
                "initialize_parameters left a parameter or buffer without a shape"
            )
        module._initialize_hook.remove()
        module._load_hook.remove()
        del module._initialize_hook, module._load_hook
        if module.cls_to_become is not None:
            module.__class__ = module.cls_to_become
