"""Array kernels of connectionist temporal classification: recursions over the steps, in logarithms,
for the whole batch and all places of the targets at once."""

from __future__ import annotations

from typing import Any

from lamella_core.dispatch import shared_kernel

_NEVER = -float("inf")
# Elements of the steps whose gradients are made at a time.
_PART = 1 << 14


def _with_blanks(xp: Any, targets: Any, blank: int) -> Any:
    batch, longest = targets.shape
    labels = xp.full((batch, 2 * longest + 1), blank, xp.int64)
    labels[:, 1::2] = targets
    return labels


def _at_labels(xp: Any, log_probs: Any, labels: Any) -> Any:
    """The logarithms of the labels' probabilities, ``(steps, batch, places)``.

    In double precision: the logarithms of long alignments are large, and it is their difference
    that the gradient is made of.
    """
    return log_probs[:, xp.arange(labels.shape[0])[:, None], labels].astype(xp.float64)


def _most_steps(batch: int, classes: int, places: int) -> int:
    """How many steps are gone through at a time."""
    return max(_PART // max(batch * max(classes, places), 1), 1)


def _jumps(xp: Any, labels: Any) -> Any:
    """What a move over one place costs: nothing, or everything between equal labels."""
    return xp.where(labels[:, 2:] != labels[:, :-2], 0.0, _NEVER)


def _last_places(xp: Any, places: int, target_lengths: tuple[int, ...]) -> Any:
    """0 where an alignment may end, at the last label and the blank behind it; else minus inf."""
    ends = 2 * xp.asarray(target_lengths)[:, None]
    place = xp.arange(places)
    return xp.where((place == ends) | (place == ends - 1), 0.0, _NEVER)


def _kept(xp: Any, values: Any, dtype: Any) -> Any:
    """Logarithms, ``(steps, batch, places)``, as differences from a step's largest, which is last.

    They are small where it matters, so that single precision is enough for them.
    """
    steps, batch, places = values.shape
    result = xp.empty((steps, batch, places + 1), dtype)
    highest = values.max(2)
    result[:, :, -1] = xp.where(highest == _NEVER, 0, highest)
    values -= result[:, :, -1:]
    result[:, :, :-1] = values
    return result


def _values_of(xp: Any, kept: Any) -> Any:
    """What :func:`_kept` was given, of one step or several."""
    return kept[..., :-1] + kept[..., -1:].astype(xp.float64)


def _losses(xp: Any, beginnings: Any, lengths: Any, lasts: Any) -> Any:
    ends = beginnings[xp.maximum(lengths - 1, 0), xp.arange(len(lasts))]
    whole = _values_of(xp, ends) + lasts
    peak = whole.max(1)
    base = xp.where(peak == _NEVER, 0.0, peak)
    return -(base + xp.log(xp.exp(whole - base[:, None]).sum(1)))


@shared_kernel
def ctc_alignments(
    xp: Any,
    log_probs: Any,
    targets: Any,
    input_lengths: tuple[int, ...],
    target_lengths: tuple[int, ...],
    blank: int,
    zero_infinity: bool,
) -> tuple[Any, Any]:
    labels = _with_blanks(xp, targets, blank)
    (steps, batch, classes), places = log_probs.shape, labels.shape[1]
    beginnings = xp.empty((steps, batch, places + 1), log_probs.dtype)
    most = _most_steps(batch, classes, places)
    jumps = _jumps(xp, labels)
    ways = xp.empty((batch, places))
    before: Any = None
    for start in range(0, steps, most):
        block = slice(start, start + most)
        # The logarithms of the labels' probabilities, then those of the beginnings in their place.
        values = _at_labels(xp, log_probs[block], labels)
        for here in values:
            if before is None:
                here[:, 2:] = _NEVER
            else:
                ways[:, :1] = before[:, :1]
                xp.logaddexp(before[:, 1:], before[:, :-1], out=ways[:, 1:])
                ways[:, 2:] = xp.logaddexp(ways[:, 2:], before[:, :-2] + jumps)
                here += ways
            before = here
        before = before.copy()
        beginnings[block] = _kept(xp, values, log_probs.dtype)
    lengths = xp.asarray(input_lengths)
    losses = _losses(xp, beginnings, lengths, _last_places(xp, places, target_lengths))
    without_input = xp.where(xp.asarray(target_lengths) > 0, float("inf"), 0.0)
    return xp.where(lengths > 0, losses, without_input).astype(log_probs.dtype), beginnings


@shared_kernel
def ctc_alignments_backward(
    xp: Any,
    log_probs: Any,
    grad_losses: Any,
    targets: Any,
    beginnings: Any,
    input_lengths: tuple[int, ...],
    target_lengths: tuple[int, ...],
    blank: int,
    zero_infinity: bool,
) -> Any:
    labels = _with_blanks(xp, targets, blank)
    (steps, batch, classes), places = log_probs.shape, labels.shape[1]
    jumps = _jumps(xp, labels)
    lasts = _last_places(xp, places, target_lengths)
    lengths = xp.asarray(input_lengths)
    losses = _losses(xp, beginnings, lengths, lasts)
    possible = xp.isfinite(losses)
    total = xp.where(possible, losses, 0)[:, None]
    unknown = 0.0 if zero_infinity else float("nan")
    endings = xp.full_like(lasts, _NEVER)
    at_classes = xp.arange(batch)[:, None] * classes + labels
    grad = xp.empty_like(log_probs)
    most = _most_steps(batch, classes, places)
    for stop in range(steps, 0, -most):
        start = max(stop - most, 0)
        at_labels = _at_labels(xp, log_probs[start:stop], labels)
        shares = xp.empty_like(at_labels)
        for step in range(stop - 1, start - 1, -1):
            after = endings
            endings = after.copy()
            xp.logaddexp(after[:, :-1], after[:, 1:], out=endings[:, :-1])
            endings[:, :-2] = xp.logaddexp(endings[:, :-2], after[:, 2:] + jumps)
            endings = xp.where((lengths == step + 1)[:, None], lasts, endings)
            # Here without the step's own probability, which the beginnings hold.
            shares[step - start] = xp.exp(_values_of(xp, beginnings[step]) + endings + total)
            endings = endings + at_labels[step - start]
        some = log_probs[start:stop]
        place = xp.arange(stop - start)[:, None, None] * (batch * classes) + at_classes
        passing = xp.bincount(place.reshape(-1), shares.reshape(-1), some.size)
        part = xp.exp(some) - passing.reshape(some.shape).astype(some.dtype)
        part *= grad_losses[:, None]
        part = xp.where(possible[:, None], part, unknown)
        within = xp.arange(start, stop)[:, None] < lengths
        grad[start:stop] = xp.where(within[:, :, None], part, 0)
    return grad
