"""Arithmetic and comparison of each element, of mixed types too."""

from __future__ import annotations

from functools import partial
from types import ModuleType

from op_memory_calls import Calls


def calls(torch: ModuleType) -> tuple[Calls, Calls]:
    functional = torch.nn.functional
    x, y, z = (torch.rand(2_000_000) + 0.5 for _ in range(3))
    wide, bias = torch.randn(1000, 2000), torch.randn(2000)
    half, brief, double = x.half(), x.bfloat16(), x.double()
    whole, mask = torch.arange(2_000_000), x > 1
    small = whole.int()
    exponents, spaced = torch.empty_like(small), torch.zeros(4_000_000)[::2]
    spread = torch.randn(1000, 4000)[:, ::2]
    new: Calls = {}
    for name in ("add", "mul", "div", "maximum", "atan2", "eq", "lt", "isclose"):
        new[name] = partial(getattr(torch, name), x, y)
    for name in (
        "neg", "exp", "log", "sqrt", "tanh", "sigmoid", "relu", "abs", "erf", "round", "sign",
        "frac", "isnan", "nan_to_num",
    ):  # fmt: skip
        new[name] = partial(getattr(torch, name), x)
    for name in ("gelu", "silu", "softplus", "elu", "leaky_relu", "hardtanh", "mish", "logsigmoid"):
        new[name] = partial(getattr(functional, name), x)
    new |= {
        "frexp of float16": lambda: torch.frexp(half),
        "frexp of bfloat16": lambda: torch.frexp(brief),
        "add with alpha": lambda: torch.add(x, y, alpha=2),
        "pow": lambda: x**2,
        "remainder": lambda: x % 2,
        "clamp": lambda: x.clamp(-1, 1),
        "addcmul": lambda: torch.addcmul(x, y, z),
        "addcdiv": lambda: torch.addcdiv(x, y, z),
        "lerp": lambda: torch.lerp(x, y, 0.5),
        "of a transpose": lambda: functional.softplus(wide.t()),
        "gelu with gaps": lambda: functional.gelu(spread),
        "silu with gaps": lambda: functional.silu(spread),
        "of a row": lambda: torch.lerp(wide, bias, 0.5),
        "where": lambda: torch.where(mask, x, y),
        "masked_fill": lambda: x.masked_fill(mask, 0.0),
        "integers plus floats": lambda: whole + x,
        "integers plus a float": lambda: whole + 1.5,
        "a number less integers": lambda: 2.5 - small,
        "float64 times float32": lambda: double * x,
        "integers against floats": lambda: whole < x,
        "integers against a float": lambda: whole > 1.5,
        "exp of integers": lambda: whole.exp(),
        "sigmoid of float16": lambda: half.sigmoid(),
        "tanh of bfloat16": lambda: brief.tanh(),
        "float16 times a number": lambda: half * 2.5,
        "bfloat16 plus float32": lambda: brief + x,
        "lerp of float16": lambda: torch.lerp(half, half, 0.5),
        "clamp of float16": lambda: half.clamp(0, 1),
        "clamp by tensors": lambda: x.clamp(y, z),
        "isclose of float16": lambda: torch.isclose(half, half),
        "masked_fill by a row": lambda: wide.masked_fill(bias > 0, 0.0),
        "addcmul of a row": lambda: torch.addcmul(wide, bias, bias),
        "where of mixed types": lambda: torch.where(mask, x, double),
        "add of integers, with alpha": lambda: torch.add(whole, whole, alpha=2),
        "polar": lambda: torch.polar(x, y),
        "add of mixed types, with alpha": lambda: torch.add(whole, x, alpha=2),
        "a number over x": lambda: 2.5 / x,
    }
    inside: Calls = {
        "add_": lambda: x.add_(y),
        "add_ with alpha": lambda: x.add_(y, alpha=0.001),
        "mul_": lambda: x.mul_(1.5),
        "addcmul_": lambda: x.addcmul_(y, z, value=0.001),
        "addcdiv_": lambda: x.addcdiv_(y, z, value=0.001),
        "lerp_": lambda: x.lerp_(y, 0.01),
        "clamp_": lambda: x.clamp_(0.1, 9),
        "sqrt_": lambda: x.sqrt_(),
        "masked_fill_": lambda: z.masked_fill_(mask, 0.5),
        "add_ of integers": lambda: z.add_(whole),
        "mul_ of float64": lambda: z.mul_(double),
        "add_ of a row": lambda: wide.add_(bias, alpha=0.001),
        "float16 mul_": lambda: half.mul_(1.0),
        "add into float64": lambda: torch.add(x, y, out=double),
        "where into a tensor": lambda: torch.where(mask, x, y, out=z),
        "frexp into tensors": lambda: torch.frexp(x, out=(z, exponents)),
        "where into every second place": lambda: torch.where(mask, x, y, out=spaced),
    }
    return new, inside
