"""A training step of a small GPT on characters: 6 layers of 384, 6 heads, context 256, batch 4.

The blocks are those of GPT-2 (Radford et al., 2019): layer norm before attention and before the
two linear layers, each with a residual connection. Attention is written in `matmul` and `softmax`;
in the variant `fused` it is `scaled_dot_product_attention`.
"""

from __future__ import annotations

import math
from types import ModuleType
from typing import Any

from measure import load, read_arguments
from training import Steps, make_step, report_peak, report_training

LAYERS, HEADS, WIDTH, CONTEXT, BATCH, VOCABULARY = 6, 6, 384, 256, 4, 65
WARM_UP = {"layers": 1, "heads": 1, "width": 8, "context": 4}


def build(
    torch: ModuleType,
    layers: int = LAYERS,
    heads: int = HEADS,
    width: int = WIDTH,
    context: int = CONTEXT,
    fused: bool = False,
) -> Any:
    """The network: token numbers of shape (batch, context) to scores of each next token."""
    nn, functional = torch.nn, torch.nn.functional

    class Attention(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.joint = nn.Linear(width, 3 * width)
            self.out = nn.Linear(width, width)
            future = torch.triu(torch.ones(context, context, dtype=torch.bool), diagonal=1)
            self.register_buffer("future", future)

        def forward(self, x: Any) -> Any:
            batch, length, _ = x.shape
            parts = self.joint(x).split(width, dim=2)
            shape = (batch, length, heads, width // heads)
            query, key, value = (part.view(shape).transpose(1, 2) for part in parts)
            if fused:
                mixed = functional.scaled_dot_product_attention(query, key, value, is_causal=True)
                return self.out(mixed.transpose(1, 2).contiguous().view(batch, length, width))
            scores = query @ key.transpose(-2, -1) * (1 / math.sqrt(width // heads))
            weights = functional.softmax(scores.masked_fill(self.future, -math.inf), dim=-1)
            mixed = (weights @ value).transpose(1, 2).contiguous().view(batch, length, width)
            return self.out(mixed)

    class Block(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.norm_1, self.norm_2 = nn.LayerNorm(width), nn.LayerNorm(width)
            self.attention = Attention()
            self.grow, self.shrink = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

        def forward(self, x: Any) -> Any:
            x = x + self.attention(self.norm_1(x))
            return x + self.shrink(functional.gelu(self.grow(self.norm_2(x))))

    class GPT(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.tokens = nn.Embedding(VOCABULARY, width)
            self.places = nn.Embedding(context, width)
            self.blocks = nn.Sequential(*(Block() for _ in range(layers)))
            self.norm = nn.LayerNorm(width)
            self.head = nn.Linear(width, VOCABULARY, bias=False)

        def forward(self, numbers: Any) -> Any:
            x = self.tokens(numbers) + self.places(torch.arange(numbers.shape[1]))
            return self.head(self.norm(self.blocks(x))).flatten(0, 1)

    return GPT()


def make(torch: ModuleType, fused: bool = False, **sizes: int) -> Steps:
    """A network, its optimizer and a batch of random text, ready to train."""
    torch.manual_seed(0)
    model = build(torch, fused=fused, **sizes)
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-4)
    text = torch.randint(0, VOCABULARY, (BATCH, sizes.get("context", CONTEXT) + 1))
    return make_step(torch, model, optimizer, text[:, :-1], text[:, 1:].flatten())


def main() -> None:
    arguments = read_arguments(__doc__, variants=("time", "fused", "memory"))
    torch = load(arguments.framework)
    if arguments.variant == "memory":
        report_peak(lambda: make(torch, **WARM_UP), lambda: make(torch))
    else:
        report_training(make(torch, arguments.variant == "fused"))


if __name__ == "__main__":
    main()
