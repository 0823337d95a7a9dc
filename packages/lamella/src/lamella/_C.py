"""The names of ``torch._C`` that PyTorch's guide to ``__torch_function__`` tells users of."""

from lamella.overrides._protocol import DisableTorchFunction as DisableTorchFunction
from lamella.overrides._protocol import DisableTorchFunctionSubclass as DisableTorchFunctionSubclass
from lamella.overrides._protocol import disabled_torch_function as _disabled_torch_function_impl

__all__ = ["DisableTorchFunction", "DisableTorchFunctionSubclass", "_disabled_torch_function_impl"]
