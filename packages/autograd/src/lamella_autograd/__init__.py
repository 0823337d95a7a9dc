"""Reverse-mode differentiation for lamella tensors: the graph, the engine, the derivatives."""

from importlib import import_module

from lamella_autograd import derivatives as _derivatives  # declares the formulas
from lamella_autograd import graph
from lamella_autograd.anomaly import (
    detect_anomaly,
    is_anomaly_check_nan_enabled,
    is_anomaly_enabled,
    set_anomaly_enabled,
    set_detect_anomaly,
)
from lamella_autograd.backward import backward, grad
from lamella_autograd.formulas import (
    batching_rules_in,
    derivative,
    non_differentiable,
    op_call,
    pushforward,
)
from lamella_autograd.function import Function
from lamella_autograd.gradcheck import GradcheckError, gradcheck, gradgradcheck
from lamella_autograd.hooks import RemovableHandle
from lamella_autograd.leaf import enforce_grad_layout_policy
from lamella_autograd.modes import (
    enable_grad,
    inference_mode,
    is_grad_enabled,
    is_inference_mode_enabled,
    is_multithreading_enabled,
    no_grad,
    set_grad_enabled,
    set_multithreading_enabled,
)
from lamella_autograd.mutation import CloneBeforeWrite
from lamella_autograd.names import node_name, rename
from lamella_autograd.node import Node
from lamella_autograd.recording import Autograd
from lamella_autograd.tensor_methods import attach
from lamella_core.dispatch import register_layer

attach()
register_layer(Autograd())
register_layer(CloneBeforeWrite())


# PyTorch's names of modules to those here, imported at first use.
_MODULES = {
    "anomaly_mode": "anomaly",
    "forward_ad": "forward_ad",
    "func": "func",
    "functional": "functional",
    "grad_mode": "modes",
    "variable": "variable",
}


def __getattr__(name: str) -> object:
    if name in _MODULES:
        return import_module(f"lamella_autograd.{_MODULES[name]}")
    if name == "Variable":
        return import_module("lamella_autograd.variable").Variable
    raise AttributeError(f"module 'lamella_autograd' has no attribute {name!r}")


__all__ = [
    "Function",
    "GradcheckError",
    "Node",
    "RemovableHandle",
    "backward",
    "batching_rules_in",
    "derivative",
    "detect_anomaly",
    "enable_grad",
    "enforce_grad_layout_policy",
    "forward_ad",
    "functional",
    "grad",
    "gradcheck",
    "gradgradcheck",
    "graph",
    "inference_mode",
    "is_anomaly_check_nan_enabled",
    "is_anomaly_enabled",
    "is_grad_enabled",
    "is_inference_mode_enabled",
    "is_multithreading_enabled",
    "no_grad",
    "non_differentiable",
    "node_name",
    "op_call",
    "pushforward",
    "rename",
    "set_anomaly_enabled",
    "set_detect_anomaly",
    "set_grad_enabled",
    "set_multithreading_enabled",
]
