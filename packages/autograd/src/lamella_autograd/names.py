"""PyTorch's names of nodes, for the ops that are cut up in another way here.

An op's node is named after the op, ``exp`` gives ``ExpBackward0``. Where PyTorch has several ops in
the place of one, the arguments that the node keeps tell which of them it would have called. Of
composites that are one op in PyTorch, the last node is renamed after it was made.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from lamella_autograd.node import Node, node_of
from lamella_core.tensor import Tensor

_Name = str | Callable[[Any], str]

_NAMES: dict[str, _Name] = {
    "copy": "torch::autograd::CopyBackwards",
    "max_dim": "MaxBackward0",
    "min_dim": "MinBackward0",
    "to_dtype": "ToCopyBackward0",
    "vector_norm": "LinalgVectorNormBackward0",
}


def node_name(op_name: str, name: _Name) -> None:
    """Says what the nodes of an op are called.

    Args:
        op_name: the op's name.
        name: the name, or a function that takes a node and returns its name.
    """
    _NAMES[op_name] = name


def name_of(op_name: str) -> tuple[str, Callable[[Any], str] | None]:
    """The name of an op's nodes, and the function that gives it where arguments decide."""
    name = _NAMES.get(op_name, f"{_words(op_name)}Backward0")
    return (name, None) if isinstance(name, str) else (f"{_words(op_name)}Backward0", name)


# By class and name: a class whose nodes have the other name.
_renamed: dict[tuple[type[Node], str], type[Node]] = {}


def rename(result: Tensor, name: str) -> Tensor:
    """Gives the node of a result, where it has one, the name of the composite that made it.

    Args:
        result: made by an op, and seen by nobody else.
        name: PyTorch's name of the node.

    Returns:
        The result.
    """
    if result._graph is not None:
        node = node_of(result._graph)
        node.__class__ = _renamed.get((node.__class__, name)) or _with_name(node.__class__, name)
    return result


def _with_name(node_class: type[Node], name: str) -> type[Node]:
    renamed: Any = type(name, (node_class,), {"__slots__": (), "name": Node.name})
    # What looks for saved tensors reads these.
    renamed.__slots__ = node_class.__slots__
    _renamed[node_class, name] = renamed
    return renamed


# The core's composites, by the names that they give themselves.
_COMPOSITES = {
    "addbmm": "AddbmmBackward0",
    "addmm": "AddmmBackward0",
    "addmv": "AddmvBackward0",
    "addr": "AddrBackward0",
    "baddbmm": "BaddbmmBackward0",
    "aminmax": "AminmaxBackward0",
    "bmm": "BmmBackward0",
    "cdist": "CdistBackward0",
    "celu": "CeluBackward0",
    "cholesky_inverse": "CholeskyInverseBackward0",
    "cross": "LinalgCrossBackward0",
    "diagonal_copy": "DiagonalBackward0_copy",
    "dist": "DistBackward0",
    "einsum": "ViewBackward0",
    "kron": "UnsafeViewBackward0",
    "linalg.cross": "LinalgCrossBackward0",
    "linalg.solve": "LinalgSolveExBackward0",
    "multi_dot": "ViewBackward0",
    "polar": "PolarBackward0",
    "nanquantile": "SqueezeBackward4",
    "quantile": "SqueezeBackward4",
    "renorm": "RenormBackward0",
    "reshape": "UnsafeViewBackward0",
    "rrelu": "RreluWithNoiseBackward0",
    "std_mean": "StdMeanBackward0",
    "trace": "TraceBackward0",
    "var_mean": "VarMeanBackward0",
    "vdot": "VdotBackward0",
}


def made_by(result: Tensor, op_name: str) -> None:
    """Names the last node of a composite of the core."""
    name = _COMPOSITES.get(op_name)
    if name is not None:
        rename(result, name)


def _words(op_name: str) -> str:
    """``max_pool2d`` gives ``MaxPool2D``: parts begin with a capital, also after a digit."""
    words = "".join([part[:1].upper() + part[1:] for part in op_name.split("_")])
    return re.sub(r"(?<=\d)[a-z]", lambda match: match[0].upper(), words)


for _name in "entr erfcx i0e i1 i1e log_ndtr ndtri xlog1py zeta".split():
    node_name(_name, f"{_words(f'special_{_name}')}Backward0")


# ------------ one op here, several there


def _by_dim(word: str) -> Callable[[Any], str]:
    return lambda node: f"{word}Backward{0 if node._kept_dim is None else 1}"


for _name in ("sum", "mean", "prod"):
    node_name(_name, _by_dim(_words(_name)))


def _extremum(word: str) -> Callable[[Any], str]:
    """``max()`` calls ``amax`` of all dimensions here."""
    of_all, of_some = f"{word}Backward1", f"A{word.lower()}Backward0"
    return lambda node: of_all if node._kept_dim is None else of_some


for _name in ("max", "min"):
    node_name(f"a{_name}", _extremum(_words(_name)))


def _is_tensor(node: Any, argument: str) -> bool:
    """Whether the argument of a pointwise op was a tensor: it, or at least its shape, is kept."""
    kept = getattr(node, f"_kept_{argument}", None)
    return isinstance(kept, Tensor) or hasattr(node, f"_shape_{argument}")


def _pow(node: Any) -> str:
    if not _is_tensor(node, "exponent"):
        return "PowBackward0"
    return f"PowBackward{1 if _is_tensor(node, 'input') else 2}"


def _clamp(node: Any) -> str:
    tensors = _is_tensor(node, "min") or _is_tensor(node, "max")
    return f"ClampBackward{0 if tensors else 1}"


def _matmul(node: Any) -> str:
    ranks = len(node._input_shape), len(node._other_shape)
    known = {(1, 1): "Dot", (2, 1): "Mv", (2, 2): "Mm", (1, 2): "Squeeze"}
    return f"{known.get(ranks, 'UnsafeView')}Backward{4 if ranks == (1, 2) else 0}"


def _linear(node: Any) -> str:
    """Of an input that was not kept or is freed the rank is not known; 2 is the most common."""
    rank = getattr(node._kept_input, "ndim", 2)
    if rank == 1 and node._bias_shape is None:
        return "SqueezeBackward4"
    if node._bias_shape is not None:
        return "AddmmBackward0" if rank == 2 else "ViewBackward0"
    return "MmBackward0" if rank == 2 else "UnsafeViewBackward0"


def _basic_index(node: Any) -> str:
    """After the last step that is not a whole dimension, as PyTorch takes them one by one."""
    index, sizes = node._kept_index, node._input_shape
    name = "Alias"
    dim = 0
    for item in index:
        if item is None:
            name = "Unsqueeze"
        elif item is Ellipsis:
            dim = len(sizes) - sum([each not in (None, ...) for each in index]) + dim
        elif isinstance(item, slice):
            if len(index) == 1 or item.indices(sizes[dim]) != (0, sizes[dim], 1):
                name = "Slice"
            dim += 1
        else:
            name = "Select"
            dim += 1
    return f"{name}Backward0"


def _split(node: Any) -> str:
    *parts, last = node._kept_split_sizes
    alike = len({*parts}) < 2 and (not parts or last <= parts[0])
    return "SplitBackward0" if alike else "SplitWithSizesBackward0"


def _transpose(node: Any) -> str:
    """``t`` and ``T`` of a matrix each count one dimension from the end, as nobody does."""
    known = {(-2, 1): "T", (1, -2): "Permute"}
    return f"{known.get((node._kept_dim0, node._kept_dim1), 'Transpose')}Backward0"


def _by_other(word: str) -> Callable[[Any], str]:
    return lambda node: f"{word}Backward{1 if _is_tensor(node, 'other') else 0}"


node_name("transpose", _transpose)
node_name("squeeze", lambda node: f"SqueezeBackward{1 if isinstance(node._kept_dim, int) else 0}")
node_name("remainder", _by_other("Remainder"))
node_name("fmod", _by_other("Fmod"))
node_name("div_floor", "DivBackward2")
node_name("div_trunc", "DivBackward2")
node_name("lerp", lambda node: f"LerpBackward{1 if _is_tensor(node, 'weight') else 0}")
node_name("median_dim", "MedianBackward1")
node_name("diagonal_backward", "DiagEmbedBackward0")
node_name("linalg_eigvals", "LinalgEigBackward0")
node_name("linalg_eigvalsh", "LinalgEighBackward0")
node_name("linalg_svdvals", "LinalgSvdBackward0")
node_name("real", "SelectBackward0")
node_name("imag", "SelectBackward0")
node_name("conj_physical", "ConjBackward0")
node_name("pow", _pow)
node_name("clamp", _clamp)
node_name("matmul", _matmul)
node_name("linear", _linear)
node_name("prelu", "PreluKernelBackward0")
node_name("dropout_noise", "MulBackward0")
node_name("fill", lambda node: f"FillBackward{2 if node.edges[-1] is None else 3}")
node_name("basic_index", _basic_index)
node_name("split_with_sizes", _split)
node_name("scatter", lambda node: f"ScatterBackward{1 if node._src_shape is None else 0}")
node_name("rsub", lambda node: f"RsubBackward{0 if _is_tensor(node, 'other') else 1}")
