"""The rows of the table: which program, and the target that the project set for it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Target:
    """An upper bound on the ratio, or, with a unit ("s" or "B"), on the candidate's own figure."""

    limit: float
    unit: str | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table.

    ``once``: the figure does not vary between runs, so one pair is enough.
    ``has_ratio``: false where the figure is a difference that may be zero.
    """

    title: str
    program: str
    variant: str | None = None
    target: Target | None = None
    once: bool = False
    has_ratio: bool = True

    @property
    def on_device(self) -> bool:
        """Whether the figure is one of work that a device can do."""
        return self.program in _COMPUTING and self.variant not in ("memory", *_NUMPY_ALONE)


_COMPUTING = (
    "add", "chain", "thousand", "matmul", "mlp", "optimizer", "cnn", "gpt", "encoder", "lstm",
)  # fmt: skip
_NUMPY_ALONE = ("sgd-numpy", "adam-numpy")

ROWS = (
    Row("import", "import_time", target=Target(0.2, "s")),
    Row("installed size, base alone", "installed_size", "base", Target(3e6, "B"), once=True),
    Row("installed size, all", "installed_size", "all", once=True),
    Row("a + b, no grad", "add", "no-grad", Target(0.8)),
    Row("a + b, grad", "add", "grad", Target(0.75)),
    Row("small calls: indexing", "small_calls", "indexing", Target(1.0)),
    Row("small calls: slicing", "small_calls", "slicing", Target(1.0)),
    Row("small calls: assignment to parts", "small_calls", "assignment", Target(1.0)),
    Row("small calls: view", "small_calls", "view", Target(1.0)),
    Row("small calls: permute", "small_calls", "permute", Target(1.0)),
    Row("small calls: item access", "small_calls", "item", Target(1.0)),
    Row("small calls: creation", "small_calls", "creation", Target(1.0)),
    Row("small calls: random numbers", "small_calls", "random", Target(1.0)),
    Row("small calls: arithmetic", "small_calls", "arithmetic", Target(1.0)),
    Row("small calls: reductions", "small_calls", "reductions"),
    Row("small calls: softmax and losses", "small_calls", "losses"),
    Row("small calls: joining, arranging", "small_calls", "joining"),
    Row("small calls: gathering, scattering", "small_calls", "gathering"),
    Row("small calls: sorting", "small_calls", "sorting"),
    Row("small calls: layers", "small_calls", "layers"),
    Row("matmul 1024", "matmul", target=Target(1.0)),
    Row("save, 100 MB", "files", "save", Target(1.0)),
    Row("load, 100 MB", "files", "load", Target(1.0)),
    Row("memory of ops", "op_memory", "plain", Target(1e6, "B"), True, has_ratio=False),
    Row("memory of ops with workspace", "op_memory", "workspace", None, True, has_ratio=False),
    Row("ten-op chain with backward", "chain", target=Target(0.6)),
    Row("backward of 1,000 small ops", "thousand", "chain", Target(0.6)),
    Row("backward of 1,000 small ops, leaves", "thousand", "leaves", Target(0.6)),
    Row("MLP 784-128-10, SGD", "mlp", "sgd", Target(0.65)),
    Row("MLP 784-128-10, Adam", "mlp", "adam", Target(0.65)),
    Row("MLP 784-128-10, SGD, NumPy alone", "mlp", "sgd-numpy", Target(0.7)),
    Row("MLP 784-128-10, Adam, NumPy alone", "mlp", "adam-numpy", Target(0.7)),
    Row("MLP 1024-4096-4096-1000, SGD", "mlp", "wide"),
    Row("Adam, 25 tensors of a million", "optimizer", target=Target(1.0)),
    Row("CNN of examples/digits", "cnn", "time", Target(1.5)),
    Row("CNN of examples/digits, peak memory", "cnn", "memory", Target(1.05)),
    Row("GPT 6x384, AdamW", "gpt", "time", Target(1.1)),
    Row("GPT 6x384, AdamW, fused attention", "gpt", "fused", Target(1.1)),
    Row("GPT 6x384, AdamW, peak memory", "gpt", "memory", Target(1.05)),
    Row("transformer encoder 6x512, inference", "encoder", target=Target(1.1)),
    Row("LSTM 32x64x128, hidden 256, SGD", "lstm", target=Target(1.2)),
    Row("loading from memory, shuffled", "loader", "memory", Target(0.5)),
    Row("loading by two workers, 64x64 images", "loader", "workers", Target(0.8)),
    Row("start of two workers", "loader", "start", Target(0.5, "s")),
    Row("start of two workers, spawned", "loader", "start-spawned", Target(0.5, "s")),
    Row("tar stream against plain reading", "tar_stream", target=Target(1.25)),
    Row("memory growth, 100,000 steps", "memory", None, Target(1e6, "B"), True, has_ratio=False),
)
