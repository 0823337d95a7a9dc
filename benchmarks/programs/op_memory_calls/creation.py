"""Random numbers, ranges and windows."""

from __future__ import annotations

from types import ModuleType

from op_memory_calls import Calls


def calls(torch: ModuleType) -> tuple[Calls, Calls]:
    x, y, z = (torch.rand(2_000_000) + 0.5 for _ in range(3))
    uniform, wide, transposed = x - 0.5, torch.randn(1000, 2000), torch.randn(1000, 2000).t()
    given, counted = torch.zeros(1000, 2000), torch.zeros(2_000_000, dtype=torch.int64)
    new: Calls = {
        "rand": lambda: torch.rand(2_000_000),
        "randn": lambda: torch.randn(2_000_000),
        "arange": lambda: torch.arange(2_000_000),
        "randperm": lambda: torch.randperm(2_000_000),
        "poisson": lambda: torch.poisson(x[:200_000]),
        "multinomial": lambda: torch.multinomial(x, 100),
        "multinomial of rows": lambda: torch.multinomial(x.view(1000, 2000), 10),
        "bernoulli": lambda: torch.bernoulli(uniform),
        "normal of tensors": lambda: torch.normal(x, y),
        "randn_like of a transpose": lambda: torch.randn_like(wide.t()),
        "arange of float32": lambda: torch.arange(2e6),
        "arange of int32": lambda: torch.arange(2_000_000, dtype=torch.int32),
        "linspace": lambda: torch.linspace(0, 1, 2_000_000),
        "logspace": lambda: torch.logspace(0, 1, 2_000_000),
        "tril_indices": lambda: torch.tril_indices(1000, 1000),
        "hann_window": lambda: torch.hann_window(2_000_000),
        "blackman_window": lambda: torch.blackman_window(2_000_000),
    }
    inside: Calls = {
        "fill_": lambda: z.fill_(1),
        "arange into a tensor": lambda: torch.arange(2_000_000, out=counted),
        "randperm into a tensor": lambda: torch.randperm(2_000_000, out=counted),
        "fftfreq into a tensor": lambda: torch.fft.fftfreq(2_000_000, out=z),
        "eye into a tensor": lambda: torch.eye(1000, 2000, out=given),
        "zeros into a tensor": lambda: torch.zeros(2_000_000, out=z),
        "bernoulli_": lambda: z.bernoulli_(0.5),
        "exponential_": lambda: z.exponential_(),
        "cauchy_": lambda: z.cauchy_(),
        "geometric_": lambda: z.geometric_(0.5),
        "random_": lambda: z.random_(),
        "log_normal_": lambda: z.log_normal_(),
        "normal_ of a transpose": lambda: transposed.normal_(),
        "bernoulli_ of a tensor": lambda: z.bernoulli_(uniform),
        "uniform_": lambda: z.uniform_(),
        "normal_": lambda: z.normal_(),
    }
    return new, inside
