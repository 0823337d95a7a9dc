"""Tools around parameters and gradients."""

from lamella_nn.utils import parametrizations, parametrize, prune
from lamella_nn.utils.clip_grad import clip_grad_norm_, clip_grad_value_, get_total_norm
from lamella_nn.utils.convert_parameters import parameters_to_vector, vector_to_parameters

__all__ = [
    "clip_grad_norm_",
    "clip_grad_value_",
    "get_total_norm",
    "parameters_to_vector",
    "parametrizations",
    "parametrize",
    "prune",
    "vector_to_parameters",
]
