"""What autograd adds to Tensor and Node."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lamella_autograd import hooks
from lamella_autograd.backward import backward as run_backward
from lamella_autograd.inference import check_may_require_grad, is_inference
from lamella_autograd.inplace import edge_of
from lamella_autograd.modes import NO_GRAD, TRANSFORMING
from lamella_autograd.names import made_by
from lamella_autograd.node import Node, Output
from lamella_core.dispatch import REQUIRES_GRAD, modes
from lamella_core.dtype import FLOATING
from lamella_core.refusal import check_switches
from lamella_core.tensor import Tensor
from lamella_core.warning import warn_once

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lamella_core.dtype import dtype


def requires_grad_(self: Tensor, requires_grad: bool = True) -> Tensor:
    """Starts or stops recording on this tensor, which must be a leaf; returns it.

    Raises:
        RuntimeError: for a tensor that is not floating or complex, or not a leaf.
    """
    if requires_grad.__class__ is not bool:
        check_switches("requires_grad_", requires_grad=requires_grad)
    if requires_grad:
        if self._dtype.category < FLOATING:
            raise RuntimeError(
                f"only Tensors of floating point and complex dtype can require gradients, got "
                f"{self.dtype}"
            )
        if modes.bits & TRANSFORMING:
            raise RuntimeError(
                "You are attempting to call Tensor.requires_grad_() (or perhaps using "
                "torch.autograd.functional.* APIs) inside of a function being transformed by a "
                "functorch transform. This is unsupported; use the transforms (grad, vjp, jacrev, "
                "jacfwd, hessian) or call requires_grad_() outside of the function"
            )
        check_may_require_grad(self)
        self._key |= REQUIRES_GRAD
    else:
        if not self.is_leaf:
            raise RuntimeError(
                "you can only change requires_grad flags of leaf variables. If you want to use a "
                "computed variable in a subgraph that doesn't require differentiation use "
                "var_no_grad = var.detach()."
            )
        self._key &= ~REQUIRES_GRAD
    return self


def backward(
    self: Tensor,
    gradient: Tensor | None = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    inputs: Sequence[Tensor] | None = None,
) -> None:
    """Adds this tensor's gradients to the ``.grad`` of the leaves; see ``autograd.backward``."""
    run_backward(self, gradient, retain_graph, create_graph, inputs=inputs)


def _grad_fn(self: Tensor) -> Node | None:
    """The node that made this tensor; None for a leaf."""
    edge = edge_of(self)
    if edge is None or isinstance(edge, Tensor):
        return None
    return edge.node if edge.__class__ is Output else edge


def _output_nr(self: Tensor) -> int:
    edge = edge_of(self)
    return edge.index if edge.__class__ is Output else 0


def _get_grad(self: Tensor) -> Tensor | None:
    """The accumulated gradient of a leaf, or of a tensor that retains its gradient."""
    grad = self._grad
    if grad is None and not self.is_leaf and not hooks.retains_grad(self):
        import warnings

        warnings.warn(
            "The .grad attribute of a Tensor that is not a leaf Tensor is being accessed. Its "
            ".grad attribute won't be populated during autograd.backward(). If you indeed want the "
            ".grad field to be populated for a non-leaf Tensor, use .retain_grad() on the non-leaf "
            "Tensor.",
            stacklevel=2,
        )
    return grad


def _set_grad(self: Tensor, grad: Any) -> None:
    if grad is not None:
        if not isinstance(grad, Tensor):
            raise TypeError(
                f"assigned grad expected to be a Tensor or None but got grad of type "
                f"{type(grad).__name__}"
            )
        if grad is self:
            raise RuntimeError("can't assign Variable as its own grad")
        wanted = self.__dict__.get("_grad_dtype", self._dtype)
        if wanted is not None and grad._dtype is not wanted:
            raise RuntimeError(
                f"attempting to assign a gradient with dtype {grad.dtype} to a tensor with "
                f"grad_dtype {wanted}. The gradient must match the tensor's grad_dtype (defaults "
                f"to the tensor's dtype); set the tensor's grad_dtype first, or convert the "
                f"gradient"
            )
        if grad._array.shape != self._array.shape:
            raise RuntimeError(
                f"assigned grad has data of a different size: {list(grad.shape)}, expected "
                f"{list(self.shape)}"
            )
    self._grad = grad


def _del_grad(self: Tensor) -> None:
    self._grad = None


def _leaf_only(tensor: Tensor) -> None:
    if not tensor.is_leaf:
        raise RuntimeError("grad_dtype can only be accessed on leaf tensors.")


def _get_grad_dtype(self: Tensor) -> dtype | None:
    """The type that gradients of this leaf are cast to, its own by default; None for any.

    Raises:
        RuntimeError: when the tensor is not a leaf.
    """
    _leaf_only(self)
    return self.__dict__.get("_grad_dtype", self._dtype)


def _set_grad_dtype(self: Tensor, wanted: dtype | None) -> None:
    _leaf_only(self)
    if wanted is not None and self._grad is not None and self._grad._dtype is not wanted:
        raise RuntimeError(
            f"cannot set grad_dtype to {wanted} because the tensor has a gradient of type "
            f"{self._grad.dtype}; set .grad to None first"
        )
    self.__dict__["_grad_dtype"] = wanted
    self._key |= hooks.LEAF_HOOKS


def _leave_graph(self: Tensor) -> None:
    if not modes.bits & NO_GRAD:
        warn_once("a tensor that requires grad becomes a number: use tensor.item()")


def attach() -> None:
    """Puts the methods on the classes."""
    cls: Any = Tensor
    cls.requires_grad_ = requires_grad_
    cls.backward = backward
    cls.is_inference = is_inference
    cls._leave_graph = _leave_graph
    cls.grad = property(_get_grad, _set_grad, _del_grad)
    cls.grad_dtype = property(_get_grad_dtype, _set_grad_dtype)
    cls.grad_fn = property(_grad_fn)
    cls._grad_fn = cls.grad_fn
    cls._backward_hooks = cls._post_accumulate_grad_hooks = None
    cls.output_nr = property(_output_nr)
    cls._made_by = made_by
    cls.register_hook = hooks.register_hook
    cls.register_post_accumulate_grad_hook = hooks.register_post_accumulate_grad_hook
    cls.retain_grad = hooks.retain_grad
    cls.retains_grad = property(hooks.retains_grad)
    node: Any = Node
    node.register_hook = hooks.register_node_hook
    node.register_prehook = hooks.register_node_prehook
