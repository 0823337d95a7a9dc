"""Policies for ``checkpoint``: the results of some ops are kept, the others are recomputed."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Any

from lamella_autograd.observing import observing
from lamella_core.conventions.view import StridedView, View
from lamella_core.tensor import Tensor, alias

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from lamella_core.dispatch import Op


class CheckpointPolicy(Enum):
    """What happens to an op's result.

    ``*_SAVE`` keeps it, ``*_RECOMPUTE`` does not, ``*_CPU_OFFLOAD`` keeps it in the host's memory.
    ``MUST`` and ``PREFER`` do the same here.
    """

    MUST_SAVE = 0
    PREFER_SAVE = 1
    MUST_RECOMPUTE = 2
    PREFER_RECOMPUTE = 3
    MUST_CPU_OFFLOAD = 4
    PREFER_CPU_OFFLOAD = 5


_SAVED = frozenset((CheckpointPolicy.MUST_SAVE, CheckpointPolicy.PREFER_SAVE))
_OFFLOADED = frozenset((CheckpointPolicy.MUST_CPU_OFFLOAD, CheckpointPolicy.PREFER_CPU_OFFLOAD))


class SelectiveCheckpointContext:
    """What a policy function gets first.

    Attributes:
        op_output: the op's result.
        is_recompute: False; a policy is asked in the forward pass alone.
    """

    def __init__(self, *, is_recompute: bool, op_output: Any = None) -> None:
        self.is_recompute = is_recompute
        self.op_output = op_output


class _Kept:
    """A result that is not to be computed again."""

    __slots__ = ("device", "tensor", "version")

    def __init__(self, result: Tensor, offload: bool) -> None:
        self.device = result.device
        self.tensor = result.cpu() if offload else alias(result)
        self.version = self.tensor._version

    def get(self, check: bool) -> Tensor:
        if check and self.tensor._version != self.version:
            raise RuntimeError(
                "Tensor cached during selective activation checkpoint has been mutated; clone it "
                "before the write, or pass allow_cache_entry_mutation=True"
            )
        found = self.tensor.to(self.device)
        return alias(found)


def create_selective_checkpoint_contexts(
    policy_fn_or_list: Callable[..., CheckpointPolicy] | Sequence[Any],
    allow_cache_entry_mutation: bool = False,
) -> tuple[Any, Any]:
    """The pair of contexts for ``checkpoint(..., context_fn=...)`` that a policy asks for.

    Args:
        policy_fn_or_list: ``policy(ctx, op, *args)`` returns a :class:`CheckpointPolicy` for each
            call of an op in the first run. ``op`` is the op's public function, such as
            ``torch.matmul``; composites such as ``torch.mm`` are the ops that they are written
            in. Or a list of such functions, whose results are kept.
        allow_cache_entry_mutation: do not check that nobody wrote to a result that was kept.

    Results of views and of writes are recomputed whatever the policy says: they cost no memory.

    Example: ``context_fn=partial(create_selective_checkpoint_contexts, [torch.matmul])``

    Raises:
        TypeError: for a policy that is neither a function nor a list, or a list of other things.
    """
    if isinstance(policy_fn_or_list, (list, tuple, set, frozenset)):
        kept_ops = list(policy_fn_or_list)
        for each in kept_ops:
            if not callable(each):
                raise TypeError(f"the list of ops to save has to hold functions, got {each!r}")

        def policy(ctx: SelectiveCheckpointContext, op: Any, *args: Any) -> CheckpointPolicy:
            return (
                CheckpointPolicy.MUST_SAVE
                if any(op is each for each in kept_ops)
                else CheckpointPolicy.PREFER_RECOMPUTE
            )

    elif callable(policy_fn_or_list):
        policy = policy_fn_or_list
    else:
        raise TypeError(
            f"policy_fn_or_list must be either a function or a list of ops, got "
            f"{type(policy_fn_or_list).__name__}"
        )
    kept: dict[tuple[Op, int], Any] = {}
    return _First(policy, kept), _Second(kept, not allow_cache_entry_mutation)


def _may_be_kept(op: Op) -> bool:
    return op.mutates is None and not isinstance(op.convention, (View, StridedView))


class _First:
    """The first run: asks the policy and keeps results."""

    def __init__(self, policy: Callable[..., Any], kept: dict[tuple[Op, int], Any]) -> None:
        self.policy = policy
        self.kept = kept

    def __enter__(self) -> None:
        self.counts: dict[Op, int] = {}
        self.inner = observing(self._observe)
        self.inner.__enter__()

    def __exit__(self, *exc: object) -> None:
        self.inner.__exit__(*exc)

    def _observe(self, op: Op, below: Callable[..., Any], args: tuple[Any, ...]) -> Any:
        result = below(*args)
        ctx = SelectiveCheckpointContext(is_recompute=False, op_output=result)
        policy = self.policy(ctx, op.function, *args)
        if isinstance(policy, bool):
            policy = CheckpointPolicy.MUST_SAVE if policy else CheckpointPolicy.PREFER_RECOMPUTE
        if not isinstance(policy, CheckpointPolicy):
            raise TypeError(f"a policy has to return a CheckpointPolicy, got {policy!r}")
        number = self.counts.get(op, 0)
        self.counts[op] = number + 1
        offload = policy in _OFFLOADED
        if (offload or policy in _SAVED) and _may_be_kept(op):
            self.kept[op, number] = _each(result, lambda tensor: _Kept(tensor, offload))
        return result


class _Second:
    """A second run: gives what was kept, and computes the rest."""

    def __init__(self, kept: dict[tuple[Op, int], Any], check: bool) -> None:
        self.kept = kept
        self.check = check

    def __enter__(self) -> None:
        self.counts: dict[Op, int] = {}
        self.inner = observing(self._observe)
        self.inner.__enter__()

    def __exit__(self, *exc: object) -> None:
        self.inner.__exit__(*exc)

    def _observe(self, op: Op, below: Callable[..., Any], args: tuple[Any, ...]) -> Any:
        number = self.counts.get(op, 0)
        self.counts[op] = number + 1
        found = self.kept.get((op, number))
        if found is None:
            return below(*args)
        return _each(found, lambda each: each.get(self.check))


def _each(result: Any, change: Callable[[Any], Any]) -> Any:
    """A result with its tensors changed, in the structure that it has."""
    if isinstance(result, (Tensor, _Kept)):
        return change(result)
    if isinstance(result, tuple) and hasattr(result, "_fields"):
        return type(result)(*(_each(item, change) for item in result))
    if isinstance(result, (tuple, list)):
        return type(result)(_each(item, change) for item in result)
    return result
