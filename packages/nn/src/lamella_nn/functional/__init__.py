"""Functions on tensors with the names and signatures of ``torch.nn.functional``.

Importing this package declares the ops, their array kernels and their derivatives.
"""

from lamella_autograd import batching_rules_in as _batching_rules_in
from lamella_core.composite import checked as _checked
from lamella_core.serialization import register_place
from lamella_nn import derivatives as _derivatives  # declares the formulas
from lamella_nn import kernels as _kernels  # registers the kernels
from lamella_nn.functional.activation import *
from lamella_nn.functional.activation import __all__ as _activation
from lamella_nn.functional.attention import *
from lamella_nn.functional.attention import __all__ as _attention
from lamella_nn.functional.convolution import *
from lamella_nn.functional.convolution import __all__ as _convolution
from lamella_nn.functional.ctc import *
from lamella_nn.functional.ctc import __all__ as _ctc
from lamella_nn.functional.distance import *
from lamella_nn.functional.distance import __all__ as _distance
from lamella_nn.functional.dropout import *
from lamella_nn.functional.dropout import __all__ as _dropout
from lamella_nn.functional.embedding import *
from lamella_nn.functional.embedding import __all__ as _embedding
from lamella_nn.functional.fractional_pooling import *
from lamella_nn.functional.fractional_pooling import __all__ as _fractional_pooling
from lamella_nn.functional.grid_sample import *
from lamella_nn.functional.grid_sample import __all__ as _grid_sample
from lamella_nn.functional.linear import *
from lamella_nn.functional.linear import __all__ as _linear
from lamella_nn.functional.linear_cross_entropy import *
from lamella_nn.functional.linear_cross_entropy import __all__ as _linear_cross_entropy
from lamella_nn.functional.loss import *
from lamella_nn.functional.loss import __all__ as _loss
from lamella_nn.functional.multi_head_attention import *
from lamella_nn.functional.multi_head_attention import __all__ as _multi_head_attention
from lamella_nn.functional.normalization import *
from lamella_nn.functional.normalization import __all__ as _normalization
from lamella_nn.functional.padding import *
from lamella_nn.functional.padding import __all__ as _padding
from lamella_nn.functional.pooling import *
from lamella_nn.functional.pooling import __all__ as _pooling
from lamella_nn.functional.ranking_loss import *
from lamella_nn.functional.ranking_loss import __all__ as _ranking_loss
from lamella_nn.functional.regression_loss import *
from lamella_nn.functional.regression_loss import __all__ as _regression_loss
from lamella_nn.functional.unpooling import *
from lamella_nn.functional.unpooling import __all__ as _unpooling
from lamella_nn.functional.vision import *
from lamella_nn.functional.vision import __all__ as _vision

_batching_rules_in("lamella_nn.batching")
_batching_rules_in("lamella_nn.recurrent_batching")

__all__: list[str] = []
__all__ += _activation
__all__ += _attention
__all__ += _convolution
__all__ += _ctc
__all__ += _distance
__all__ += _dropout
__all__ += _embedding
__all__ += _fractional_pooling
__all__ += _grid_sample
__all__ += _linear
__all__ += _linear_cross_entropy
__all__ += _loss
__all__ += _multi_head_attention
__all__ += _normalization
__all__ += _padding
__all__ += _pooling
__all__ += _ranking_loss
__all__ += _regression_loss
__all__ += _unpooling
__all__ += _vision

# PyTorch has these in one module; files that hold whole modules name them by it.
register_place("torch._C._nn", globals()["gelu"])
# Switches of which PyTorch asks only whether they are true.
_LENIENT = {
    "antialias", "full", "hard", "include_last_offset", "inplace", "need_weights",
    "recompute_scale_factor", "reduce", "return_indices", "size_average",
}  # fmt: skip
for _name in __all__:
    _function = globals()[_name]
    if not hasattr(_function, "op"):
        for _switch in _LENIENT & _function.__annotations__.keys():
            _function.__annotations__[_switch] = "Any"
        globals()[_name] = _function = _checked(_function, renames=False)
        # Where a pickle looks for it.
        _function.__module__ = __name__
    register_place("torch.nn.functional", _function)
