"""Sorting, searching, indexing, joining and copying."""

from __future__ import annotations

from types import ModuleType

from op_memory_calls import Calls


def calls(torch: ModuleType) -> tuple[Calls, Calls]:
    x, y, z = (torch.rand(2_000_000) + 0.5 for _ in range(3))
    half, brief, mask = x.half(), x.bfloat16(), x > 1
    wide, tall, rows = torch.randn(1000, 2000), torch.randn(2000, 1000), torch.randn(1000, 2000)
    bias, transposed = torch.randn(2000), torch.randn(1000, 2000).t()
    gaps = torch.randn(1200, 2500)[100:1100, 200:2200]
    last = torch.randn(4, 8, 250, 250).to(memory_format=torch.channels_last)
    whole, places = torch.arange(2_000_000), torch.randint(0, 1000, (1000,))
    digits = whole % 1000
    short = digits.int()
    square, given = torch.zeros(1000, 1000), torch.zeros(1000, 2000)
    spaced, flags = torch.zeros(4_000_000)[::2], torch.empty_like(mask)
    counted, order = torch.empty_like(whole), torch.empty_like(whole).view(1000, 2000)
    found = torch.empty_like(whole).view(-1, 1)
    sorter = x.argsort()
    half_order, half_rows = half.sort()[0], half.view(1000, 2000).sort()[0]
    new: Calls = {
        "cat": lambda: torch.cat((x, y)),
        "stack": lambda: torch.stack((x, y)),
        "index_select": lambda: wide.index_select(0, places),
        "index_select of a transpose": lambda: tall.t().index_select(0, places),
        "index_select of channels": lambda: last.index_select(1, places[:8] % 8),
        "x[places] of a permuted tensor": lambda: x.view(20, 100, 1000).permute(2, 1, 0)[places],
        "x[places] with gaps": lambda: gaps[places],
        "x[:, places] with gaps": lambda: gaps[:, places],
        "x[:, mask of columns]": lambda: wide[:, bias > 0],
        "take from a transpose": lambda: wide.t().take(whole[:1000]),
        "repeat of a transpose": lambda: wide.t().repeat(2, 1),
        "repeat_interleave of a transpose": lambda: wide.t().repeat_interleave(2, 0),
        "x[mask]": lambda: x[mask],
        "x[places]": lambda: wide[places],
        "gather": lambda: wide.gather(0, places[None].expand(1000, 1000)),
        "sort": lambda: wide.sort(1),
        "sort of a transpose": lambda: wide.t().sort(0),
        "sort of bfloat16": lambda: brief.view(1000, 2000).sort(1),
        "bucketize of float16": lambda: torch.bucketize(half, half[:100].sort()[0]),
        "searchsorted of float16": lambda: torch.searchsorted(half_order, half),
        "searchsorted with a sorter": lambda: torch.searchsorted(x, y, sorter=sorter),
        "searchsorted of rows of float16": lambda: torch.searchsorted(half_rows, half_rows),
        "isin of int32": lambda: torch.isin(short, short[:10]),
        "isin of float16": lambda: torch.isin(half, half[:100_000]),
        "isin of a number": lambda: torch.isin(short, 3),
        "unique of float16": lambda: half.unique(),
        "unique of bfloat16 with inverse": lambda: brief.unique(return_inverse=True),
        "unique of bool with inverse": lambda: mask.unique(return_inverse=True),
        "unique_consecutive": lambda: digits.unique_consecutive(return_counts=True),
        "unique_consecutive of float16": lambda: half.unique_consecutive(return_inverse=True),
        "unique_consecutive of rows": lambda: half_rows.unique_consecutive(dim=0),
        "tile of a transpose": lambda: wide.t().tile(2),
        "bucketize to int32": lambda: torch.bucketize(x, bias[:100], out_int32=True),
        "flip": lambda: x.flip(0),
        "roll": lambda: x.roll(1),
        "clone": lambda: x.clone(),
        "transpose and contiguous": lambda: wide.t().contiguous(),
        "to float64": lambda: x.double(),
        "nonzero of channels": lambda: last.nonzero(),
        "topk of float16": lambda: half.view(1000, 2000).topk(5, 1),
        "topk": lambda: wide.topk(5, 1),
        "kthvalue": lambda: wide.kthvalue(5, 0),
        "tril": lambda: wide.tril(),
        "roll of two dimensions": lambda: wide.roll((1, 2), (0, 1)),
        "cat of mixed types": lambda: torch.cat((x, whole)),
        "cartesian_prod": lambda: torch.cartesian_prod(bias, bias[:500]),
        "nonzero": lambda: mask.view(1000, 2000).nonzero(),
        "put": lambda: x.put(whole[:1_000_000], y[:1_000_000]),
        "index_add with alpha": lambda: wide.index_add(0, places, rows, alpha=2),
        "index_reduce": lambda: wide.index_reduce(0, places, rows, "mean"),
    }
    inside: Calls = {
        "copy_": lambda: z.copy_(x),
        "x[mask] = number": lambda: z.__setitem__(mask, 0.5),
        "cat into a tensor": lambda: torch.cat((rows[:500], wide[500:]), out=given),
        "gather into a tensor": lambda: torch.gather(
            wide, 0, places[None].expand(1000, 1000), out=square
        ),
        "index_select into a tensor": lambda: torch.index_select(wide, 0, places, out=given),
        "take into a tensor": lambda: torch.take(x, whole, out=z),
        "sort into tensors": lambda: torch.sort(wide, 1, out=(given, order)),
        "tril into a tensor": lambda: torch.tril(wide, out=given),
        "index_add into a tensor": lambda: torch.index_add(wide, 0, places, rows, out=given),
        "take into every second place": lambda: torch.take(x, digits, out=spaced),
        "index_select into gaps": lambda: torch.index_select(wide, 0, places, out=gaps),
        "nonzero_static": lambda: torch.nonzero_static(mask, size=2_000_000, out=found),
        "diff into a tensor": lambda: torch.diff(z.view(1000, 2000), dim=0, out=given[1:]),
        "isin into a tensor": lambda: torch.isin(x, y[:1000], out=flags),
        "bucketize into a tensor": lambda: torch.bucketize(x, y[:1000].sort()[0], out=counted),
        "permute_copy into a tensor": lambda: torch.permute_copy(transposed, (1, 0), out=given),
        "put_ and add": lambda: z.put_(whole[:1_000_000], y[:1_000_000], True),
        "index_add_": lambda: wide.index_add_(0, places, rows),
        "index_copy_": lambda: wide.index_copy_(0, whole[:1000], rows),
    }
    return new, inside
