"""Batching: ``vmap``'s level and its rules, by family of ops."""

from lamella_autograd.batching import dims, indexing, linalg, pointwise, random, views
from lamella_autograd.batching.level import Batch
from lamella_autograd.batching.rules import batching, batching_of_convention, batching_random

__all__ = [
    "Batch",
    "batching",
    "batching_of_convention",
    "batching_random",
    "dims",
    "indexing",
    "linalg",
    "pointwise",
    "random",
    "views",
]
