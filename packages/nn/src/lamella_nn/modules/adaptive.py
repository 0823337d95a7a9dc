"""A softmax over many classes, most of which are rare."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from lamella_core import Tensor, cat, int32, int64
from lamella_nn import functional as F
from lamella_nn.modules.container import ModuleList, Sequential
from lamella_nn.modules.linear import Linear
from lamella_nn.modules.module import Module


class _ASMoutput(NamedTuple):
    output: Tensor
    loss: Tensor


class AdaptiveLogSoftmaxWithLoss(Module):
    """Log-probabilities of targets among many classes, by clusters of how frequent they are.

    The head decides between the frequent classes and the clusters, each tail between the classes
    of its cluster, from a projection that is smaller for rarer ones. Only the tails that the
    targets need are computed. From E. Grave et al., "Efficient softmax approximation for GPUs"
    (2017). Classes have to be numbered by falling frequency.

    Args:
        in_features: of the input.
        n_classes: number of classes.
        cutoffs: where each cluster starts, after the frequent classes.
        div_value: cluster i projects to ``in_features // div_value ** i`` features, from 1 on.
        head_bias: whether the head has a bias.
        device, dtype: those of the parameters.

    Raises:
        ValueError: there are no cutoffs, or they are not unique rising integers from 1 to
            ``n_classes - 1``.
    """

    in_features: int
    n_classes: int
    cutoffs: list[int]
    div_value: float
    head_bias: bool
    head: Linear
    tail: ModuleList

    def __init__(
        self,
        in_features: int,
        n_classes: int,
        cutoffs: Sequence[int],
        div_value: float = 4.0,
        head_bias: bool = False,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        given = list(cutoffs)
        if not given:
            raise ValueError("cutoffs should be a sequence of length larger than 0")
        rising = all(a < b for a, b in zip([0, *given], [*given, n_classes], strict=True))
        if not rising or any(int(each) != each for each in given):
            raise ValueError(
                "cutoffs should be a sequence of unique, positive integers sorted in an "
                "increasing order, where each value is between 1 and n_classes-1, but got "
                f"{given} for {n_classes} classes"
            )
        self.in_features = in_features
        self.n_classes = n_classes
        self.cutoffs = [*given, n_classes]
        self.div_value = div_value
        self.head_bias = head_bias
        self.shortlist_size = self.cutoffs[0]
        self.n_clusters = len(given)
        self.head_size = self.shortlist_size + self.n_clusters
        options = {"device": device, "dtype": dtype}
        self.head = Linear(in_features, self.head_size, bias=head_bias, **options)
        self.tail = ModuleList()
        for i, (low, high) in enumerate(self._clusters(), 1):
            hidden = int(in_features // (div_value**i))
            self.tail.append(
                Sequential(
                    Linear(in_features, hidden, bias=False, **options),
                    Linear(hidden, high - low, bias=False, **options),
                )
            )

    def _clusters(self) -> list[tuple[int, int]]:
        """The first class of each cluster, and the one behind its last."""
        return list(zip(self.cutoffs[:-1], self.cutoffs[1:], strict=True))

    def reset_parameters(self) -> None:
        """Draw the weights anew."""
        self.head.reset_parameters()
        for projection, output in self.tail:
            projection.reset_parameters()
            output.reset_parameters()

    def forward(self, input_: Tensor, target_: Tensor) -> _ASMoutput:
        """(N, in_features) or (in_features), and targets (N) or (): log-probabilities and loss.

        Returns:
            ``output``, the log-probability of each target, and ``loss``, minus their mean.

        Raises:
            RuntimeError: shapes do not fit, or a target is no class.
        """
        self._check(input_, target_)
        single = target_.dim() == 0
        input, target = (input_.unsqueeze(0), target_.unsqueeze(0)) if single else (input_, target_)
        if target.numel():
            low, high = int(target.min()), int(target.max())
            if low < 0 or high >= self.n_classes:
                raise RuntimeError(
                    f"Target values should be in [0, {self.n_classes - 1}], but values in range "
                    f"[{low}, {high}] were found."
                )
        choice = target.long()
        within = input.new_zeros(target.shape[0])
        for i, (low, high) in enumerate(self._clusters()):
            rows = ((target >= low) & (target < high)).nonzero().squeeze(1)
            if rows.numel():
                logs = F.log_softmax(self.tail[i](input.index_select(0, rows)), 1)
                classes = choice.index_select(0, rows) - low
                found = logs.gather(1, classes.unsqueeze(1)).squeeze(1)
                within = within.index_copy(0, rows, found)
                choice = choice.index_fill(0, rows, self.shortlist_size + i)
        of_head = F.log_softmax(self.head(input), 1).gather(1, choice.unsqueeze(1)).squeeze(1)
        output = of_head + within
        loss = (-output).mean()
        return _ASMoutput(output.squeeze(0) if single else output, loss)

    def _check(self, input: Tensor, target: Tensor) -> None:
        if target.dtype not in (int64, int32):
            raise RuntimeError(f"Expected targets of dtype int32 or int64, but got {target.dtype}")
        if target.dim() == 1:
            if input.dim() != 2:
                raise RuntimeError(
                    "1D target tensor expects 2D input tensors, but found inputs with size "
                    f"{input.shape}"
                )
            if input.shape[0] != target.shape[0]:
                raise RuntimeError(
                    "Input and target should have the same size in the batch dimension, but got "
                    f"{input.shape} and {target.shape}"
                )
        elif target.dim() == 0:
            if input.dim() != 1:
                raise RuntimeError(
                    "0D target tensor expects 1D input tensors, but found inputs with size "
                    f"{input.shape}"
                )
        else:
            raise RuntimeError("0D or 1D target tensor expected, multi-target not supported")

    def log_prob(self, input: Tensor) -> Tensor:
        """(N, in_features) to the log-probabilities of all classes, (N, n_classes)."""
        return self._get_full_log_prob(input, self.head(input))

    def _get_full_log_prob(self, input: Tensor, head_output: Tensor) -> Tensor:
        of_head = F.log_softmax(head_output, 1)
        parts = [of_head[:, : self.shortlist_size]]
        for i, tail in enumerate(self.tail):
            of_cluster = of_head[:, self.shortlist_size + i].unsqueeze(1)
            parts.append(F.log_softmax(tail(input), 1) + of_cluster)
        return cat(parts, 1)

    def predict(self, input: Tensor) -> Tensor:
        """(N, in_features) to the most probable classes, (N).

        As ``log_prob(input).argmax(1)``, but tails are computed only where the head chose a
        cluster.
        """
        head = self.head(input)
        classes = head.argmax(1)
        rows = (classes >= self.shortlist_size).nonzero().squeeze(1)
        if rows.numel():
            full = self._get_full_log_prob(input.index_select(0, rows), head.index_select(0, rows))
            classes = classes.index_copy(0, rows, full.argmax(1))
        return classes
