"""Methods of Tensor that PyTorch's top level has as functions, too: ``torch.relu_(x)``."""

from __future__ import annotations

from lamella_core.ops import (  # noqa: F401  (they give Tensor its methods)
    activation,
    added_products,
    arithmetic,
    description,
    elementary,
    extrema,
    operators,
    rounding,
    special,
    view_inplace,
)
from lamella_core.tensor import Tensor

_NAMES = (
    "abs_", "acos_", "acosh_", "addmv_", "arccos_", "arccosh_", "arcsin_", "arcsinh_", "arctan_",
    "arctanh_", "as_strided_", "asin_", "asinh_", "atan_", "atanh_", "ceil_", "clamp_",
    "clamp_max_", "clamp_min_", "clip_", "conj_physical_", "cos_", "cosh_", "deg2rad_", "erf_",
    "erfc_", "exp2_", "exp_", "expm1_", "fix_", "floor_", "frac_", "gcd_", "get_device", "i0_",
    "is_same_size", "is_signed", "lcm_", "ldexp_", "log10_", "log1p_", "log2_", "log_", "logit_",
    "nan_to_num_", "neg_", "negative_", "rad2deg_", "reciprocal_", "relu_", "round_", "rsqrt_",
    "sigmoid_", "sin_", "sinc_", "sinh_", "sqrt_", "square_", "tan_", "tanh_", "trunc_", "xlogy_",
)  # fmt: skip

globals().update({name: getattr(Tensor, name) for name in _NAMES})
__all__ = list(_NAMES)
