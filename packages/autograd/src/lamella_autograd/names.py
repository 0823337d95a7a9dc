"""PyTorch's names of nodes, for the ops that are cut up in another way here.

An op's node is named after the op, ``exp`` gives ``ExpBackward0``. Where PyTorch has several ops in
the place of one, the arguments that the node keeps tell which of them it would have called. Of
composites that are one op in PyTorch, the last node is renamed after it was made.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from lamella_autograd.node import Node, arrangements, node_of
from lamella_core.tensor import Tensor

_Name = str | Callable[[Any], str]

# Ops whose nodes PyTorch does not have: one op stands there for them and those that use them.
inner_ops: set[str] = set()

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


# What PyTorch declares apart for the in-place variant of an op.
_INPLACE = {
    **dict.fromkeys(("bernoulli_", "random_"), 2),
    **dict.fromkeys(
        (
            "acosh_", "asinh_", "atanh_", "conj_physical_", "elu_", "leaky_relu_", "polygamma_",
            "threshold_",
        ),
        1,
    ),
}  # fmt: skip


def inplace_name(op_name: str) -> str | None:
    """The name of the nodes of an in-place op, where they have one of their own."""
    digit = _INPLACE.get(op_name)
    return None if digit is None else f"{_words(op_name.removesuffix('_'))}Backward{digit}"


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
        rename_node(node_of(result._graph), name)
    return result


def rename_node(node: Node, name: str) -> None:
    """Gives a node another name."""
    node.__class__ = _renamed.get((node.__class__, name)) or _with_name(node.__class__, name)


def _with_name(node_class: type[Node], name: str) -> type[Node]:
    renamed: Any = type(
        name,
        (node_class,),
        {"__slots__": (), "__module__": "builtins", "name": Node.name, "inner": False},
    )
    # What looks for saved tensors reads these.
    renamed.__slots__ = node_class.__slots__
    _renamed[node_class, name] = renamed
    return renamed


# The core's composites, by the names that they give themselves; where the op that came last
# decides, a function of its node.
_COMPOSITES: dict[str, str | Callable[[Any], str | None]] = {
    "addbmm": "AddbmmBackward0",
    "addmm": "AddmmBackward0",
    "addmv": "AddmvBackward0",
    "addr": "AddrBackward0",
    "aminmax": "AminmaxBackward0",
    "baddbmm": "BaddbmmBackward0",
    "block_diag": "BlockDiagBackward0",
    "bmm": "BmmBackward0",
    "cartesian_prod": "StackBackward0",
    "celu": "CeluBackward0",
    "chain_matmul": "ViewBackward0",
    "cholesky": "CholeskyBackward0",
    "cholesky_inverse": "CholeskyInverseBackward0",
    "combinations": "StackBackward0",
    "cumulative_trapezoid": lambda node: (
        "DivBackward1" if getattr(node.edges[0], "_kept_divides", False) else None
    ),
    "diff": lambda node: "torch::autograd::CopyBackwards" if node.op_name == "clone" else None,
    "dist": "DistBackward0",
    "einsum": lambda node: _before(node, "Mul", "Sum") or "ViewBackward0",
    "gradient": "CatBackward0",
    "kron": "UnsafeViewBackward0",
    "ldexp": "LdexpBackward0",
    "linalg.cholesky": "LinalgCholeskyExBackward0",
    "linalg.cholesky_ex": "LinalgCholeskyExBackward0",
    "linalg.cond": lambda node: (
        "SqueezeBackward1" if node.op_name == "div" else "NanToNumBackward0"
    ),
    "linalg.lu_solve": "LinalgLuSolveBackward0",
    "linalg.matrix_norm": lambda node: (
        "PermuteBackward0" if node.op_name == "unsqueeze" else _before(node, "Amax", "Amin")
    ),
    "linalg.solve": "LinalgSolveExBackward0",
    "linalg.solve_ex": "LinalgSolveExBackward0",
    "linalg.tensorinv": "ReshapeAliasBackward0",
    "linalg.vecdot": lambda node: "VdotBackward0" if len(node._input_shape) == 1 else None,
    "logdet": "WhereBackward0",
    "masked.mean": "DivBackward0",
    "masked.var": "DivBackward0",
    "lu_unpack": "LuUnpackBackward0",
    "multi_dot": "ViewBackward0",
    "mvlgamma": "MvlgammaBackward0",
    "nanmedian": lambda node: node.name().replace("Median", "Nanmedian"),
    "narrow_copy": "NarrowCopyBackward0",
    "nanquantile": "SqueezeBackward4",
    "ormqr": "OrmqrBackward0",
    "quantile": "SqueezeBackward4",
    "renorm": "RenormBackward0",
    "reshape": "UnsafeViewBackward0",
    "rot90": "Rot90Backward0",
    "rrelu": "RreluWithNoiseBackward0",
    "rrelu_": "RreluWithNoiseBackward1",
    "sort(stable)": "SortBackward1",
    "squeeze": "SqueezeBackward2",
    "squeeze_dim": "SqueezeBackward1",
    "std_mean": "StdMeanBackward0",
    "stft": lambda node: "SqueezeBackward4" if node.op_name == "squeeze" else "TransposeBackward1",
    "torch.linalg.householder_product": "LinalgHouseholderProductBackward0",
    "t": "TBackward0",
    "trace": "TraceBackward0",
    "trapezoid": lambda node: "MulBackward1" if node.op_name == "scaled" else "DivBackward1",
    "triangular_solve": "TriangularSolveBackward0",
    "unsafe_split": lambda node: f"Unsafe{node.name().removeprefix('Unsafe')}",
    "to": "ToCopyBackward0",
    "var_mean": "VarMeanBackward0",
    "vdot": "VdotBackward0",
    "zero_": "ZeroBackward0",
}
for _name in ("as_strided", "diagonal", "select", "slice"):
    _COMPOSITES[f"{_name}_scatter"] = f"{_name.title().replace('_', '')}ScatterBackward0"


def _before(node: Any, *words: str) -> str | None:
    """The name of the node before one that only arranges its result, if it begins with a word."""
    before = node.edges[0]
    name = before.name() if isinstance(before, Node) else ""
    return name if name.startswith(words) else None


def made_by(result: Tensor, op_name: str) -> None:
    """Names the last node of a composite of the core.

    One that ends in ``_`` changed its input: by a copy, which is named after what was copied, or
    by becoming a view of what it was.
    """
    if result._graph is None:
        return
    node: Any = node_of(result._graph)
    if node.op_name == "copy_slices" and op_name.endswith("_"):
        return
    name = _COMPOSITES.get(op_name)
    if name is None and op_name.endswith("_copy") and node.op_name == "clone":
        view, _, digit = node_of(node.edges[0]).name().rpartition("Backward")
        name = f"{view}Backward{digit}_copy"
    elif name is None and op_name.endswith("_"):
        if node.op_name == "copy":
            name = node_of(node.edges[1]).name()
        else:
            known = node.name()
            name = f"{known[:-1]}{int(known[-1]) + (3 if known.startswith('Squeeze') else 1)}"
    if callable(name):
        name = name(node)
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
    if ranks[0] == 2 < ranks[1] and node.edges[0] is not None:
        return "CloneBackward0"
    return f"{known.get(ranks, 'UnsafeView')}Backward{4 if ranks == (1, 2) else 0}"


def _linear_edges(node: Node, found: tuple[Any, ...]) -> tuple[Any, ...]:
    """The bias first, as in ``addmm``; none, as in ``mm``."""
    name = node.name()
    return found[2:] + found[:2] if name == "AddmmBackward0" else found[: 2 + (name[:2] != "Mm")]


arrangements["linear"] = _linear_edges


def _linear(node: Any) -> str:
    rank, vector = len(node._input_shape), len(node._weight_shape) == 1
    if node._bias_shape is not None:
        kept = node._kept_input
        if rank == 3 and isinstance(kept, Tensor) and not kept.is_contiguous():
            return "AddBackward0"
        return "AddmmBackward0" if rank == 2 else "ViewBackward0"
    if vector:
        return (
            "DotBackward0" if rank == 1 else "MvBackward0" if rank == 2 else "UnsafeViewBackward0"
        )
    if rank == 1:
        return "SqueezeBackward4"
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


def _by_tensor(word: str, argument: str = "other") -> Callable[[Any], str]:
    return lambda node: f"{word}Backward{1 if _is_tensor(node, argument) else 0}"


def _by_last_edge(word: str) -> Callable[[Any], str]:
    return lambda node: f"{word}Backward{0 if node.edges[-1] is None else 1}"


def _xlogy(node: Any) -> str:
    if not _is_tensor(node, "other"):
        return "XlogyBackward2"
    return f"XlogyBackward{0 if _is_tensor(node, 'input') else 1}"


def _normal(node: Any) -> str:
    tensors = (node._mean_shape is not None) + 2 * (node._std_shape is not None)
    return f"NormalBackward{tensors}"


node_name("transpose", _transpose)
node_name("squeeze", lambda node: f"SqueezeBackward{1 if isinstance(node._kept_dim, int) else 0}")
node_name("remainder", _by_tensor("Remainder"))
node_name("lerp", _by_tensor("Lerp", "weight"))
node_name("clamp_min", _by_tensor("ClampMin", "min"))
node_name("clamp_max", _by_tensor("ClampMax", "max"))
node_name("fmod", _by_tensor("Fmod"))
node_name("masked_fill", _by_last_edge("MaskedFill"))
node_name("index_fill", _by_last_edge("IndexFill"))
node_name("xlogy", _xlogy)
node_name("normal", _normal)
node_name("round", lambda node: f"RoundBackward{1 if node._kept_decimals else 0}")
node_name("scaled", lambda node: "DivBackward1" if node._kept_divides else "MulBackward1")
node_name("ndtr", "MulBackward1")
node_name("nuclear_norm", "SumBackward1")
node_name("div_floor", "DivBackward2")
node_name("div_trunc", "DivBackward2")
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
