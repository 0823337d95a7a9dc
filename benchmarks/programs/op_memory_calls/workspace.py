"""Calls whose methods need room that grows with the operands, and why:

* `argsort`, `topk` and `median` of one long row: NumPy orders a copy, or the places beside it: 8,
  16 and 8 MB. PyTorch needs 24, 32 and 8.
* `unique`: a sorted copy of 16 MB, and where it changes. PyTorch needs 48 MB. With the places in it
  their order beside that, 18 MB. PyTorch needs 32 MB. Of rows a copy in their order, 16 MB,
  PyTorch too, or 136; of bfloat16 one in float32 beside it, 20 MB, where PyTorch needs 8.
* `cross_entropy`: the probabilities of all classes, which its derivative uses: 8 MB, PyTorch too.
* The gradient of `gru`: the gates' of some 2700 rows, 5 MB. PyTorch needs 31 MB.
* `ctc_loss`: the logarithms of the probabilities of all beginnings, 13 MB, PyTorch too.
* The mean of a loss of single numbers: the losses, 8 MB, PyTorch too, or 16.
* `dropout` of a tensor that requires a gradient, `dropout` and `rrelu` in place: the noise, for the
  derivative: 8 MB, PyTorch too. `alpha_dropout` in place has two of them, 16 MB, PyTorch too.
* `float_power`: the base in float64, 16 MB. PyTorch needs 32 MB.
* `combinations`: the places of what is chosen, 32 MB. PyTorch needs 68 MB.
* `multinomial` with replacement, of one long row: the cumulative weights, 8 MB, PyTorch too.
* The mean of `scatter_reduce`: how many went to each place, 8 MB. PyTorch needs 9.
* `solve` and `det` of a large matrix: its factors, 4 MB, PyTorch too. `matrix_exp`: its powers in
  double precision, and sums of these, 45 MB. PyTorch needs 49 MB. `lu` of small matrices:
  where their rows go, 1.5 MB. PyTorch needs 1.1 MB.

What PyTorch needs is how far the peak of resident memory (`VmHWM`) rises in the call, less its
result.
"""

from __future__ import annotations

from types import ModuleType

from op_memory_calls import Calls


def calls(torch: ModuleType) -> tuple[Calls, Calls]:
    functional = torch.nn.functional
    x, wide = torch.rand(2_000_000), torch.randn(1000, 2000)
    y, weight, half = torch.rand(2_000_000), torch.rand(2000), wide.half()
    whole = torch.arange(2_000_000)
    digits = whole.view(1000, 2000) % 1000
    learned = x.clone().requires_grad_()
    spoken = torch.randn(500, 32, 50).log_softmax(2)
    matrix, many = torch.randn(1000, 1000) / 100, torch.randn(10_000, 10, 10)
    places_of_all = whole[:1_000_000]
    places = torch.randint(0, 1000, (1000,))
    classes = torch.zeros(4, 250, 250, dtype=torch.int64)
    network = torch.nn.GRU(64, 64)
    followed = network(torch.randn(200, 100, 64))[0]
    given = torch.ones_like(followed)
    new: Calls = {
        "argsort": lambda: x.argsort(),
        "topk of one row": lambda: x.topk(100),
        "median of one row": lambda: x.median(),
        "unique": lambda: whole.unique(),
        "unique with inverse": lambda: whole.unique(return_inverse=True),
        "unique of rows": lambda: digits.unique(dim=0),
        "cross_entropy": lambda: functional.cross_entropy(wide, places),
        "dropout for a gradient": lambda: functional.dropout(learned, 0.5),
        "float_power": lambda: torch.float_power(x, y),
        "combinations": lambda: torch.combinations(weight),
        "multinomial with replacement": lambda: torch.multinomial(x, 100, True),
        "scatter_reduce of a mean": lambda: x[::2].scatter_reduce(0, places_of_all, y, "mean"),
        "solve": lambda: torch.linalg.solve(matrix, matrix),
        "det": lambda: torch.linalg.det(matrix),
        "lu of small matrices": lambda: torch.linalg.lu(many),
        "matrix_exp": lambda: torch.matrix_exp(matrix),
        "cross_entropy by weight": lambda: functional.cross_entropy(wide, places, weight),
        "cross_entropy of images": lambda: functional.cross_entropy(
            x.view(4, 8, 250, 250), classes
        ),
        "cross_entropy of float16": lambda: functional.cross_entropy(half, places),
        "gradient of gru": lambda: torch.autograd.grad(
            followed, list(network.parameters()), given, retain_graph=True
        ),
        "ctc_loss": lambda: functional.ctc_loss(
            spoken, torch.ones(32, 100, dtype=torch.int64), (500,) * 32, (100,) * 32
        ),
        "mse_loss": lambda: functional.mse_loss(x, y),
        "huber_loss": lambda: functional.huber_loss(x, y),
        "binary_cross_entropy_with_logits": lambda: functional.binary_cross_entropy_with_logits(
            x, y
        ),
    }
    inside: Calls = {
        "dropout in place": lambda: functional.dropout(y, 0.5, inplace=True),
        "alpha_dropout in place": lambda: functional.alpha_dropout(y, 0.5, True, inplace=True),
        "rrelu in place": lambda: functional.rrelu(wide, training=True, inplace=True),
    }
    return new, inside
