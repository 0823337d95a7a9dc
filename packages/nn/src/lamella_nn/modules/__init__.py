"""All modules by name."""

from lamella_nn.modules.activation import (
    ELU,
    GELU,
    LeakyReLU,
    LogSoftmax,
    ReLU,
    Sigmoid,
    SiLU,
    Softmax,
    Softplus,
    Tanh,
)
from lamella_nn.modules.batchnorm import BatchNorm1d, BatchNorm2d
from lamella_nn.modules.container import ModuleDict, ModuleList, Sequential
from lamella_nn.modules.conv import Conv1d, Conv2d
from lamella_nn.modules.distance import CosineSimilarity, PairwiseDistance
from lamella_nn.modules.dropout import Dropout
from lamella_nn.modules.flatten import Flatten, Unflatten
from lamella_nn.modules.linear import Identity, Linear
from lamella_nn.modules.loss import (
    BCELoss,
    BCEWithLogitsLoss,
    CrossEntropyLoss,
    HuberLoss,
    L1Loss,
    MSELoss,
    NLLLoss,
    SmoothL1Loss,
)
from lamella_nn.modules.module import Module
from lamella_nn.modules.normalization import GroupNorm, LayerNorm
from lamella_nn.modules.parameter_container import ParameterDict, ParameterList
from lamella_nn.modules.pooling import (
    AdaptiveAvgPool2d,
    AvgPool1d,
    AvgPool2d,
    MaxPool1d,
    MaxPool2d,
)
from lamella_nn.modules.sparse import Embedding

__all__ = [
    "AdaptiveAvgPool2d",
    "AvgPool1d",
    "AvgPool2d",
    "BCELoss",
    "BCEWithLogitsLoss",
    "BatchNorm1d",
    "BatchNorm2d",
    "Conv1d",
    "Conv2d",
    "CrossEntropyLoss",
    "Dropout",
    "ELU",
    "Embedding",
    "Flatten",
    "GELU",
    "GroupNorm",
    "HuberLoss",
    "Identity",
    "L1Loss",
    "LayerNorm",
    "LeakyReLU",
    "Linear",
    "LogSoftmax",
    "MSELoss",
    "MaxPool1d",
    "MaxPool2d",
    "Module",
    "ModuleDict",
    "ModuleList",
    "NLLLoss",
    "ParameterDict",
    "ParameterList",
    "ReLU",
    "Sequential",
    "SiLU",
    "Sigmoid",
    "SmoothL1Loss",
    "Softmax",
    "Softplus",
    "Tanh",
    "CosineSimilarity",
    "PairwiseDistance",
    "Unflatten",
]
