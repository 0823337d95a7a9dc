"""Calls at the edges: NaN, infinities, zeros, ties, bounds. Each an expression in x and y.

``t`` is the framework, ``F`` its ``nn.functional``; all tensors are float64.
"""

from __future__ import annotations

import numpy as np

nan, inf = np.nan, np.inf

GRID = np.array(
    [nan, inf, -inf, 0.0, -0.0, 1, -1, 0.5, -0.5, 2, -2, 3, -3, 6, -6, 20, 20.5, -20, 0.25, 0.1]
    + [1e-20, 1e300, 100.0, -100.0]
)
NUMBERS = GRID[1:]
_POINTS = np.array([nan, inf, -inf, 0.0, -0.0, 1, -1, 0.5, 2, -2, 3, -3])
PAIRS = tuple(np.ascontiguousarray(each.ravel()) for each in np.meshgrid(_POINTS, _POINTS))
_UNIT = np.array([0.0, 1.0, 0.5, 0.25, 1e-9])
PROBABILITIES = tuple(np.ascontiguousarray(each.ravel()) for each in np.meshgrid(_UNIT, _UNIT))
ROWS = np.array(
    [
        [nan, 1, 2], [1, nan, nan], [nan, nan, nan], [1, 1, 0], [0, 0, 0], [-1, -1, -1],
        [2, 1, 2], [inf, inf, 1], [-inf, -inf, -inf], [-inf, -inf, 0], [inf, -inf, 0],
        [0, -0.0, 1], [1, 2, 3], [0, 1, 0], [0, 5, 2], [inf, inf, inf], [3, -3, 3], [-3, 3, 0],
    ],
    dtype=float,
)  # fmt: skip
FINITE = ROWS[[3, 4, 5, 6, 11, 12, 13, 14, 16, 17]]
ZEROS = np.array([[0.0, 0, 3, 2], [0, 2, 3, 4], [1, 0, 3, 0], [0, 0, 0, 0], [1, 2, 3, 4]])
EQUAL = np.array([[1.0, 2], [1, 2], [0, 3]])
MATRICES = (np.zeros((2, 2)), np.eye(2), np.zeros((2, 3)))

CASES: list[tuple[str, tuple[np.ndarray, ...]]] = []


def _add(expressions: str, *inputs: np.ndarray) -> None:
    for line in expressions.strip().splitlines():
        CASES.append((line.strip(), inputs))


for _name in (
    "abs acos acosh asin asinh atan atanh ceil cos cosh deg2rad erf erfc erfinv exp exp2 expm1 "
    "floor frac log log10 log1p log2 logit lgamma nan_to_num neg positive reciprocal relu round "
    "rsqrt sigmoid sign sgn sin sinh sqrt square tan tanh trunc special.entr special.erfcx "
    "special.i0e special.i1 special.i1e special.log_ndtr special.ndtr special.ndtri"
).split():
    _add(f"t.{_name}(x)", GRID)
for _name in (
    "celu elu gelu hardswish leaky_relu logsigmoid relu selu silu softplus softsign tanhshrink"
).split():
    _add(f"F.{_name}(x)", GRID)
_add(
    "F.softplus(x, 2.0, 6.0)\nF.elu(x, 2.0)\nF.leaky_relu(x, -0.5)\nF.threshold(x, 1.0, 5.0)", GRID
)
_add(
    """F.hardtanh(x)
    F.hardtanh(x, -2, 3)
    F.relu6(x)
    F.hardshrink(x, 1.0)
    F.softshrink(x, 1.0)
    t.logit(x, 0.25)
    t.logit(x, 0.5)""",
    NUMBERS,
)
_add(
    """t.clamp(x, -1, 2)
    t.clamp(x, min=1)
    t.clamp(x, max=1)
    t.clamp(x, 1, 1)
    t.clamp(x, 2, 1)
    t.clamp_min(x, 1)
    t.clamp_max(x, 1)
    t.remainder(x, 2)
    t.fmod(x, 2)
    t.div(x, 2, rounding_mode="floor")
    x / 0
    0 / x
    t.ldexp(x, t.tensor(2))
    t.xlogy(x, 0.0)
    t.xlogy(0.0, x)
    t.special.xlog1py(x, -1.0)
    t.special.xlog1py(0.0, x)
    t.real(t.sgn(t.complex(x, x * 0)))
    t.abs(t.complex(x, x * 0))
    t.angle(t.complex(x, x * 0))
    t.real(t.log(t.complex(x, x * 0)))
    x[x.isnan()]""",
    GRID,
)
for _exponent in (-2, -1, -0.5, 0, 0.5, 1, 1.5, 2, 3):
    _add(f"t.pow(x, {_exponent})", GRID)
for _base in (0.0, 1.0, 2.0, -1.0):
    _add(f"t.pow({_base}, x)", GRID)
for _name in (
    "add sub mul div pow atan2 hypot fmod remainder copysign maximum minimum fmax fmin logaddexp "
    "logaddexp2 xlogy nextafter float_power special.xlog1py"
).split():
    _add(f"t.{_name}(x, y)", *PAIRS)
_add(
    """t.div(x, y, rounding_mode="floor")
    t.div(x, y, rounding_mode="trunc")
    t.clamp(x, min=y)
    t.clamp(x, max=y)
    t.clamp(x, y, y + 1)
    t.clamp(x, y, 1 - y)
    t.clamp(x, y, y)
    t.lerp(x, y, 0.5)
    t.lerp(x, y, y)
    t.addcdiv(x, x, y)
    t.addcmul(x, x, y, value=0.0)
    t.where(x > 0, x, t.sqrt(y))
    t.where(x > 0, t.log(x), y * 0)
    F.mse_loss(x, y, reduction="none")
    F.l1_loss(x, y, reduction="none")
    F.smooth_l1_loss(x, y, beta=0.0, reduction="none")
    F.smooth_l1_loss(x, y, beta=2.0, reduction="none")
    F.huber_loss(x, y, delta=2.0, reduction="none")
    F.kl_div(x, y, reduction="none")
    F.kl_div(x, y, reduction="none", log_target=True)
    F.soft_margin_loss(x, y.detach(), reduction="none")
    F.poisson_nll_loss(x, y.detach(), log_input=False, full=True, reduction="none")
    F.binary_cross_entropy_with_logits(x, y, reduction="none")
    F.prelu(x.reshape(1, -1), t.where(y.isfinite(), y, 2.0))""",
    *PAIRS,
)
_add(
    """F.binary_cross_entropy(x, y.detach(), reduction="none")
    F.binary_cross_entropy(x, y.detach(), weight=t.zeros_like(x.detach()))
    F.binary_cross_entropy(x, y, reduction="none")""",
    *PROBABILITIES,
)
for _name in ("max", "min", "median", "nanmedian", "cummax", "cummin"):
    _add(f"t.{_name}(x, 1)[0]", ROWS)
for _name in (
    "amax amin sum mean prod nansum logsumexp cumsum cumprod softmax log_softmax std var"
).split():
    _add(f"t.{_name}(x, 1)", ROWS)
for _row in ROWS:
    for _name in ("max", "min", "median", "nanmedian", "amax", "amin", "prod", "std", "var"):
        _add(f"t.{_name}(x)", _row)
    _add("t.aminmax(x)[0] + 2 * t.aminmax(x)[1]\nt.quantile(x, 0.5)\nt.nanquantile(x, 0.5)", _row)
_add(
    """t.logcumsumexp(x, 1)
    F.nll_loss(x, t.arange(18) % 3, weight=t.zeros(3, dtype=t.float64))
    F.nll_loss(x, t.arange(18) % 3, weight=t.tensor([0.0, 1, 0], dtype=t.float64))
    F.nll_loss(x, t.full((18,), -100))
    F.cross_entropy(x, t.full((18,), -100))
    F.cross_entropy(x, t.arange(18) % 3, weight=t.zeros(3, dtype=t.float64))
    F.cross_entropy(x, t.arange(18) % 3, reduction="none", label_smoothing=0.1)
    F.multi_margin_loss(x, t.arange(18) % 3, reduction="none")
    F.adaptive_max_pool1d(x.unsqueeze(0), 2)
    F.max_pool1d(x.unsqueeze(0), 2, 1)
    t.std(x, 1, correction=5)
    t.zeros(18, 3, dtype=t.float64).scatter_reduce(1, t.zeros_like(x).long(), x, "amax")
    t.zeros(18, 3, dtype=t.float64).scatter_reduce(1, t.zeros_like(x).long(), x, "mean")
    x.masked_fill(x.isnan(), 0.0).sum()
    F.layer_norm(x, (3,))
    F.normalize(x, 1.0)
    F.normalize(x, 2.0)""",
    ROWS,
)
_add("y.scatter_reduce(1, t.zeros_like(x).long(), x, 'amax')", ROWS, ROWS * 1)
_add("y.index_reduce(1, t.tensor([0, 0, 1]), x, 'amax')", ROWS, ROWS * 1)
_add("t.std(x, 1)\nt.var(x, 1)\nt.std(x, 1, correction=0)", ROWS[:, :1].copy())
_add("t.prod(x, 1)\nt.cumprod(x, 1)\nt.cumprod(x, 0)\nt.prod(x)", ZEROS)
_add("t.logsumexp(x, 0)\nt.logcumsumexp(x, 0)", np.array([-inf, -inf]))
_add("t.logaddexp(x, y)", np.array([-inf, inf]), np.array([-inf, inf]))
_add("t.sinc(x)", np.array([0.0, 1e-3, 1.0, nan, inf]))
for _p in ("0", "0.5", "1.0", "1.5", "2.0", "3.0", "inf"):
    _add(f"t.linalg.vector_norm(x, {_p}, dim=1)\nt.norm(x, {_p}, dim=1)", ROWS)
    _add(f"t.linalg.vector_norm(x, {_p})", np.zeros(3))
    if _p != "0":
        _add(f"t.dist(x, y, {_p})", np.array([1.0, 2, 0]), np.array([1.0, 2, 0]))
    _add(f"t.cdist(x, y, {_p})", FINITE, FINITE)
    _add(f"F.pdist(x, {_p})", EQUAL)
for _p in ("0.5", "1.0", "1.5", "2.0", "3.0"):
    _add(f"t.renorm(x, {_p}, 0, 1.0)\nt.renorm(x, {_p}, 0, 0.0)", FINITE)
for _p in ("'fro'", "'nuc'", "inf", "-inf", "1", "-1", "2", "-2"):
    for _matrix in MATRICES:
        _add(f"t.linalg.matrix_norm(x, {_p})", _matrix)
_add("F.cosine_similarity(x, y)", np.zeros((2, 3)), FINITE[5:7])
_add("F.cosine_similarity(x, y)", np.zeros((2, 3)), np.zeros((2, 3)))
_add("F.pairwise_distance(x, y, 2.0)", FINITE, FINITE[::-1].copy())

# What PyTorch's second derivative is not, there or at these points; the first is compared.
FIRST_ONLY = {
    "F.multi_margin_loss": "no second derivative in PyTorch",
    "t.cdist": "no second derivative in PyTorch",
    "F.pdist": "no second derivative in PyTorch",
    "t.dist(x": "0 at equal points; NaN in PyTorch",
    "t.linalg.vector_norm": "0 at zeros; NaN in PyTorch",
    "t.linalg.matrix_norm": "0 at zero matrices; NaN in PyTorch; of 'nuc' by another SVD",
    "t.norm": "0 at zeros; NaN in PyTorch",
    "t.renorm": "0 at zeros; NaN in PyTorch",
    "F.normalize": "0 at zeros; NaN in PyTorch",
    "F.cosine_similarity": "NaN in PyTorch at zeros",
    "F.smooth_l1_loss(x, y, beta=2": "NaN where the difference is infinite; 0 in PyTorch",
    "F.huber_loss": "NaN where the difference is infinite; 0 in PyTorch",
    "F.binary_cross_entropy(x, y, reduction": "PyTorch's by the target differ",
    "t.cumprod(x, 1)": "NaN beside infinities",
    "t.logcumsumexp": "NaN in the rows that begin with -inf",
    "F.prelu": "by the cotangent, PyTorch's at NaN leaves the weight out",
    "t.sinc": "the cancellation near 0 is another",
    "t.real(t.sgn": "underflow",
    "t.abs(t.complex": "underflow",
}
