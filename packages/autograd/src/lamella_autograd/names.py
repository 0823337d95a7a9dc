"""PyTorch's names of nodes, for the ops that are cut up in another way here.

An op's node is named after the op, ``exp`` gives ``ExpBackward0``. Where PyTorch has several ops in
the place of one, the arguments that the node keeps tell which of them it would have called. Of
composites that are one op in PyTorch, the names are those of their last op here.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

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
