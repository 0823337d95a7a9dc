"""A decoder with rotary positions, grouped keys, experts and a cache; low-rank tuning of it."""

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import nn


@dataclass
class Args:
    dim: int = 32
    n_layers: int = 2
    n_heads: int = 4
    n_kv: int = 2
    vocab: int = 50
    max_len: int = 24
    experts: int = 4
    topk: int = 2


class RMSNorm(nn.Module):
    def __init__(s, d, eps=1e-5):
        super().__init__()
        s.eps = eps
        s.weight = nn.Parameter(torch.ones(d))

    def forward(s, x):
        return (x.float() * torch.rsqrt(x.float().pow(2).mean(-1, keepdim=True) + s.eps)).type_as(
            x
        ) * s.weight


def freqs(d, n, th=10000.0):
    f = 1.0 / (th ** (torch.arange(0, d, 2)[: d // 2].float() / d))
    return torch.polar(torch.ones(n, d // 2), torch.outer(torch.arange(n), f))


def rope(q, k, f):
    a, b = (torch.view_as_complex(t.float().reshape(*t.shape[:-1], -1, 2)) for t in (q, k))
    f = f.view(1, f.shape[0], 1, f.shape[1])
    return tuple(torch.view_as_real(t * f).flatten(3).type_as(q) for t in (a, b))


class Attn(nn.Module):
    def __init__(s, a):
        super().__init__()
        s.a = a
        s.hd = a.dim // a.n_heads
        s.wq = nn.Linear(a.dim, a.n_heads * s.hd, bias=False)
        s.wk = nn.Linear(a.dim, a.n_kv * s.hd, bias=False)
        s.wv = nn.Linear(a.dim, a.n_kv * s.hd, bias=False)
        s.wo = nn.Linear(a.dim, a.dim, bias=False)
        s.cache = None

    def forward(s, x, pos, f, mask):
        B, T, _ = x.shape
        q, k, v = (
            s.wq(x).view(B, T, -1, s.hd),
            s.wk(x).view(B, T, -1, s.hd),
            s.wv(x).view(B, T, -1, s.hd),
        )
        q, k = rope(q, k, f)
        if s.cache is not None:
            s.cache[0][:B, pos : pos + T], s.cache[1][:B, pos : pos + T] = k, v
            k, v = s.cache[0][:B, : pos + T], s.cache[1][:B, : pos + T]
        k, v = (t.repeat_interleave(s.a.n_heads // s.a.n_kv, dim=2).transpose(1, 2) for t in (k, v))
        o = F.scaled_dot_product_attention(q.transpose(1, 2), k, v, attn_mask=mask)
        return s.wo(o.transpose(1, 2).contiguous().view(B, T, -1))


class MoE(nn.Module):
    def __init__(s, a):
        super().__init__()
        s.k = a.topk
        s.gate = nn.Linear(a.dim, a.experts, bias=False)
        s.ex = nn.ModuleList(
            nn.ModuleDict(
                dict(
                    w1=nn.Linear(a.dim, 48, bias=False),
                    w2=nn.Linear(48, a.dim, bias=False),
                    w3=nn.Linear(a.dim, 48, bias=False),
                )
            )
            for _ in range(a.experts)
        )

    def forward(s, x):
        shp = x.shape
        x = x.view(-1, shp[-1])
        lo = s.gate(x)
        w, i = torch.topk(lo.softmax(-1), s.k)
        w = w / w.sum(-1, keepdim=True)
        out = torch.zeros_like(x)
        for n, e in enumerate(s.ex):
            r, c = torch.where(i == n)
            out[r] += w[r, c, None] * e["w2"](F.silu(e["w1"](x[r])) * e["w3"](x[r]))
        s.aux = (
            lo.softmax(-1).mean(0) * F.one_hot(i, len(s.ex)).float().sum(1).mean(0)
        ).sum() * len(s.ex)
        return out.view(shp)


class Llama(nn.Module):
    def __init__(s, a):
        super().__init__()
        s.a = a
        s.e = nn.Embedding(a.vocab, a.dim)
        s.l = nn.ModuleList(
            nn.ModuleDict(dict(a=Attn(a), m=MoE(a), n1=RMSNorm(a.dim), n2=nn.RMSNorm(a.dim)))
            for _ in range(a.n_layers)
        )
        s.n = RMSNorm(a.dim)
        s.o = nn.Linear(a.dim, a.vocab, bias=False)
        s.register_buffer("f", freqs(a.dim // a.n_heads, a.max_len), persistent=False)

    def forward(s, t, pos=0):
        x = s.e(t)
        T = t.size(1)
        m = None
        if T > 1:
            m = torch.full((T, T), float("-inf")).triu(1)
            m = torch.hstack([torch.zeros(T, pos), m]).type_as(x)
        for l in s.l:
            x = x + l["a"](l["n1"](x), pos, s.f[pos : pos + T], m)
            x = x + l["m"](l["n2"](x))
        return s.o(s.n(x)).float()


class LoRA(nn.Module):
    def __init__(s, b, r=2, al=4):
        super().__init__()
        s.b = b.requires_grad_(False)
        s.A = nn.Parameter(torch.empty(r, b.in_features))
        s.B = nn.Parameter(torch.zeros(b.out_features, r))
        nn.init.kaiming_uniform_(s.A, a=math.sqrt(5))
        s.sc = al / r

    def forward(s, x):
        return s.b(x) + (x @ s.A.T @ s.B.T) * s.sc


torch.manual_seed(0)
a = Args()
m = Llama(a)
D = torch.randint(0, 50, (8, 16))
opt = torch.optim.AdamW(m.parameters(), 3e-3, betas=(0.9, 0.95), weight_decay=0.1)
for i in range(8):
    lo = m(D[:, :-1])
    l = F.cross_entropy(lo.reshape(-1, 50), D[:, 1:].reshape(-1)) + 0.01 * sum(
        x["m"].aux for x in m.l
    )
    opt.zero_grad()
    l.backward()
    g = nn.utils.clip_grad_norm_(m.parameters(), 1.0)
    opt.step()
    print(i, f"{l.item():.5f} {g.item():.4f}")
m.eval()
with torch.inference_mode():
    full = m(D[:2, :10])
    for l in m.l:
        l["a"].cache = (torch.zeros(2, 24, 2, 8), torch.zeros(2, 24, 2, 8))
    p = m(D[:2, :6])
    st = [m(D[:2, t : t + 1], t) for t in range(6, 10)]
    print((torch.cat([p] + st, 1) - full).abs().max() < 1e-4)
    t = full[:, -1].argmax(-1, keepdim=True)
    out = []
    for k in range(10, 18):
        out.append(t)
        t = m(t, k)[:, -1].argmax(-1, keepdim=True)
    print(torch.cat(out, 1))
    [l["a"].__setattr__("cache", None) for l in m.l]
for p in m.parameters():
    p.requires_grad = False
for l in m.l:
    l["a"].wq = LoRA(l["a"].wq)
    l["a"].wv = LoRA(l["a"].wv)
m.train()
tp = [p for p in m.parameters() if p.requires_grad]
print(sum(p.numel() for p in tp), sum(p.numel() for p in m.parameters()))
opt = torch.optim.SGD(tp, 0.5)
for i in range(4):
    l = F.cross_entropy(m(D[:, :-1]).reshape(-1, 50), D[:, 1:].reshape(-1))
    opt.zero_grad()
    l.backward()
    opt.step()
    print(i, f"{l.item():.5f}")


def dpo(pc, pr, rc, rr, b=0.1):
    return -F.logsigmoid(b * ((pc - rc) - (pr - rr))).mean()


print(dpo(*torch.randn(4, 6)))
mb = m.to(torch.bfloat16)
print(
    mb(D[:1, :4]).dtype,
    mb(D[:1, :4]).std() > 0,
    [n for n, p in m.named_parameters() if "A" in n][:2],
)
alibi = -(torch.arange(5)[:, None] - torch.arange(5)).abs()[None] * torch.pow(
    2.0, -torch.arange(1, 5)
).view(4, 1, 1)
print(
    alibi[1, 0],
    F.scaled_dot_product_attention(
        torch.ones(1, 4, 5, 8),
        torch.ones(1, 4, 5, 8),
        torch.arange(160.0).view(1, 4, 5, 8),
        attn_mask=alibi[None],
    )[0, 0, 0],
)
