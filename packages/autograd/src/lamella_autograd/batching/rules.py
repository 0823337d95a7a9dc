"""The registry of batching rules: for an op, or for all ops of one convention.

A rule is called as ``rule(batch, op, args)``: the level, the op (which may be an in-place or out
variant) and its arguments by position. It returns results with the batch as their first dimension,
or ``NotImplemented`` where it does not apply; then the op is called for each example.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from lamella_autograd.formulas import batching_modules

if TYPE_CHECKING:
    from collections.abc import Callable

    from lamella_core.dispatch import Op

    Rule = Callable[..., Any]

by_name: dict[str, Rule] = {}
by_convention: dict[type, Rule] = {}
# For ops that draw random numbers; such a rule returns (result, whether it is batched).
batched_random: dict[str, Rule] = {}


def batching(*op_names: str) -> Callable[[Rule], Rule]:
    """Declares a function as the batching rule of ops."""

    def declarator(rule: Rule) -> Rule:
        for name in op_names:
            by_name[name] = rule
        return rule

    return declarator


def batching_of_convention(*conventions: type) -> Callable[[Rule], Rule]:
    """Declares a function as the batching rule of a convention's ops that have none."""

    def declarator(rule: Rule) -> Rule:
        for convention in conventions:
            by_convention[convention] = rule
        return rule

    return declarator


def batching_random(*op_names: str) -> Callable[[Rule], Rule]:
    """Declares a function as the rule of ops that draw random numbers."""

    def declarator(rule: Rule) -> Rule:
        for name in op_names:
            batched_random[name] = rule
        return rule

    return declarator


def rule_of(op: Op) -> Rule | None:
    """The rule for an op."""
    return by_name.get(op.name) or by_convention.get(type(op.convention))


def load() -> None:
    """Imports the modules with further rules."""
    while batching_modules:
        import_module(batching_modules.pop())
