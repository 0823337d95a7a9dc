"""Averages of a model's weights along its training.

PyTorch has these names in ``optim.swa_utils``, where the facade puts them; the averages are
modules, so they live here.
"""

from __future__ import annotations

from copy import deepcopy
from itertools import chain
from typing import TYPE_CHECKING, Any

from lamella_autograd.modes import no_grad
from lamella_core import tensor
from lamella_core.serialization import register_place
from lamella_nn.modules.batchnorm import _BatchNorm
from lamella_nn.modules.module import Module

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from lamella_core import Tensor


class AveragedModel(Module):
    """A copy of a model whose weights are a running average of the model's.

    Without ``avg_fn`` and ``multi_avg_fn`` it is the mean of the weights at all calls of
    :meth:`update_parameters`: Izmailov et al., "Averaging Weights Leads to Wider Optima and Better
    Generalization" (2018). ``optim.swa_utils`` has the functions for an exponential average.

    Args:
        model: what is averaged; it is copied.
        device: where the copy is kept; where the model is by default.
        avg_fn: ``avg_fn(average, current, n)`` returns the new average of one tensor; n is how many
            went into the average before.
        multi_avg_fn: ``multi_avg_fn(averages, currents, n)`` moves a list of averages, all of one
            device and dtype, in place.
        use_buffers: average buffers, too; otherwise they are copied from the model.

    Attributes:
        module: the copy.
        n_averaged: how many times the average was updated, an int64 tensor.

    Raises:
        AssertionError: both functions are given.
    """

    n_averaged: Tensor

    def __init__(
        self,
        model: Module,
        device: Any = None,
        avg_fn: Callable[[Tensor, Tensor, Any], Tensor] | None = None,
        multi_avg_fn: Callable[[list[Tensor], list[Tensor], Any], None] | None = None,
        use_buffers: bool = False,
    ) -> None:
        super().__init__()
        if avg_fn is not None and multi_avg_fn is not None:
            raise AssertionError("Only one of avg_fn and multi_avg_fn should be provided")
        self.module = deepcopy(model)
        if device is not None:
            self.module = self.module.to(device)
        self.register_buffer("n_averaged", tensor(0, device=device))
        self.avg_fn = avg_fn
        self.multi_avg_fn = multi_avg_fn
        self.use_buffers = use_buffers

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """What the averaged module gives for these arguments."""
        return self.module(*args, **kwargs)

    @no_grad()
    def update_parameters(self, model: Module) -> None:
        """Takes the model's present weights into the average."""
        averages, currents = self._tensors(self.module), self._tensors(model)
        pairs = [(mine, theirs.to(mine.device)) for mine, theirs in zip(averages, currents)]  # noqa: B905
        if self.n_averaged == 0:
            for mine, theirs in pairs:
                mine.copy_(theirs)
        elif self.avg_fn is not None:
            for mine, theirs in pairs:
                mine.copy_(self.avg_fn(mine, theirs, self.n_averaged.to(mine.device)))
        else:
            groups: dict[Any, list[tuple[Tensor, Tensor]]] = {}
            for mine, theirs in pairs:
                groups.setdefault((mine.device, mine.dtype), []).append((mine, theirs))
            move = self.multi_avg_fn or _move_mean
            for (device, _), members in groups.items():
                move(
                    [mine for mine, _ in members],
                    [theirs for _, theirs in members],
                    self.n_averaged.to(device),
                )
        if not self.use_buffers:
            for mine, theirs in zip(self.module.buffers(), model.buffers(), strict=True):
                mine.copy_(theirs.to(mine.device))
        self.n_averaged += 1

    def _tensors(self, module: Module) -> Iterable[Tensor]:
        parameters = (parameter.detach() for parameter in module.parameters())
        return chain(parameters, module.buffers()) if self.use_buffers else parameters


def _move_mean(averages: list[Tensor], currents: list[Tensor], count: Any) -> None:
    """The mean of ``count`` tensors becomes that of ``count + 1``."""
    share = 1 / (float(count) + 1)
    for average, current in zip(averages, currents, strict=True):
        average.copy_(average + (current - average) * share)


@no_grad()
def update_bn(loader: Iterable[Any], model: Module, device: Any = None) -> None:
    """Sets the running statistics of batch normalisation to those of a pass over the data.

    An averaged model never saw data, so its statistics are of other weights. Each batch counts
    alike. The model is in training mode during the pass, and then in the mode it was in.

    Args:
        loader: gives batches, or lists and tuples whose first item is the batch.
        model: what the batches are given to.
        device: where batches are moved first.
    """
    momenta: dict[_BatchNorm, Any] = {}
    for module in model.modules():
        if isinstance(module, _BatchNorm):
            module.reset_running_stats()
            momenta[module] = module.momentum
    if not momenta:
        return
    was_training = model.training
    model.train()
    for module in momenta:
        module.momentum = None
    try:
        for batch in loader:
            if isinstance(batch, (list, tuple)):
                batch = batch[0]
            model(batch if device is None else batch.to(device))
    finally:
        for module, momentum in momenta.items():
            module.momentum = momentum
        model.train(was_training)


register_place("torch.optim.swa_utils", AveragedModel)
