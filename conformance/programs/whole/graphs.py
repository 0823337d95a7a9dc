"""Networks on a graph by scatter and index_add, and measures of the graph itself."""

import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(0)
N = 30
e = torch.randint(0, N, (2, 90))
e = torch.cat([e, e.flip(0)], 1).unique(dim=1)
X = torch.randn(N, 6)
Y = (X[:, 0] > 0).long()


def deg(i, n):
    return torch.zeros(n).scatter_add_(0, i, torch.ones(i.size(0)))


def ssoftmax(s, i, n):
    m = torch.full((n,) + s.shape[1:], -torch.inf).scatter_reduce(
        0, i[:, None].expand_as(s), s, "amax", include_self=True
    )
    z = (s - m[i]).exp()
    return z / torch.zeros((n,) + s.shape[1:]).index_add(0, i, z)[i].clamp_min(1e-16)


class GCN(nn.Module):
    def __init__(s, i, o):
        super().__init__()
        s.l = nn.Linear(i, o, bias=False)
        s.b = nn.Parameter(torch.zeros(o))

    def forward(s, x, e):
        x = s.l(x)
        d = deg(e[1], x.size(0)).add_(1).rsqrt_()
        o = torch.zeros_like(x).index_add(0, e[1], x[e[0]] * (d[e[0]] * d[e[1]]).unsqueeze(-1))
        return o + x * d.square().unsqueeze(-1) + s.b


class GAT(nn.Module):
    def __init__(s, i, o, h=2):
        super().__init__()
        s.h, s.o = h, o
        s.l = nn.Linear(i, h * o, bias=False)
        s.a = nn.Parameter(torch.empty(2, h, o))
        nn.init.xavier_uniform_(s.a)

    def forward(s, x, e):
        x = s.l(x).view(-1, s.h, s.o)
        al = (x * s.a[0]).sum(-1)[e[0]] + (x * s.a[1]).sum(-1)[e[1]]
        al = F.dropout(ssoftmax(F.leaky_relu(al, 0.2), e[1], x.size(0)), 0.1, s.training)
        return torch.zeros_like(x).index_add_(0, e[1], x[e[0]] * al.unsqueeze(-1)).flatten(1)


class GIN(nn.Module):
    def __init__(s, i, o):
        super().__init__()
        s.eps = nn.Parameter(torch.zeros(1))
        s.m = nn.Sequential(nn.Linear(i, o), nn.BatchNorm1d(o), nn.ReLU(), nn.Linear(o, o))

    def forward(s, x, e):
        return s.m((1 + s.eps) * x + torch.zeros_like(x).index_add(0, e[1], x[e[0]]))


class SAGE(nn.Module):
    def __init__(s, i, o, r):
        super().__init__()
        s.l = nn.Linear(2 * i, o)
        s.r = r

    def forward(s, x, e):
        a = torch.zeros_like(x).scatter_reduce_(
            0, e[1][:, None].expand(-1, x.size(1)), x[e[0]], s.r, include_self=False
        )
        return F.normalize(s.l(torch.cat([x, a], -1)), dim=-1)


for name, mk in dict(
    gcn=lambda: [GCN(6, 16), GCN(16, 2)],
    gat=lambda: [GAT(6, 8), GAT(16, 1)],
    gin=lambda: [GIN(6, 16), GIN(16, 2)],
    mean=lambda: [SAGE(6, 16, "mean"), SAGE(16, 2, "mean")],
    amax=lambda: [SAGE(6, 16, "amax"), SAGE(16, 2, "prod")],
).items():
    torch.manual_seed(1)
    ls = nn.ModuleList(mk())
    o = torch.optim.Adam(ls.parameters(), 1e-2, weight_decay=5e-4)
    tr = torch.rand(N) < 0.6
    for i in range(10):
        h = F.elu(ls[0](X, e))
        out = ls[1](F.dropout(h, 0.3, True), e)
        l = F.cross_entropy(out[tr], Y[tr])
        o.zero_grad()
        l.backward()
        o.step()
    ls.eval()
    print(
        name,
        f"{l.item():.5f}",
        (ls[1](F.elu(ls[0](X, e)), e).argmax(1) == Y)[~tr].float().mean(),
        [round(p.grad.norm().item(), 5) for p in ls.parameters()],
    )
b = torch.tensor([0] * 10 + [1] * 15 + [2] * 5)
pool = lambda r: torch.zeros(3, 6).scatter_reduce(
    0, b[:, None].expand(-1, 6), X, r, include_self=False
)
print(pool("sum")[:, 0], pool("mean")[:, 0], pool("amin")[:, 0])
print(torch.segment_reduce(X, "max", lengths=torch.bincount(b))[:, 0])
A = torch.zeros(N, N)
A[e[0], e[1]] = 1
print(
    A.sum(),
    A.nonzero().shape,
    (A @ A).count_nonzero(),
    torch.linalg.eigvalsh(
        torch.eye(N) - A / (A.sum(1).clamp(min=1)[:, None] * A.sum(0).clamp(min=1)).sqrt()
    )[:3],
)
pr = torch.full((N,), 1 / N)
for _ in range(30):
    pr = 0.15 / N + 0.85 * torch.zeros(N).index_add(0, e[1], pr[e[0]] / deg(e[0], N)[e[0]])
print(pr.topk(3))
dist = torch.full((N,), torch.inf)
dist[0] = 0
for _ in range(6):
    dist = dist.scatter_reduce(0, e[1], dist[e[0]] + 1, "amin")
print(dist)
pos = torch.randn(N, 3, requires_grad=True)
r = (pos[e[0]] - pos[e[1]]).norm(dim=-1).clamp(min=0.5)
en = 4 * ((1 / r) ** 12 - (1 / r) ** 6)
en = en[e[0] != e[1]].sum() / 2
(f,) = torch.autograd.grad(en, pos)
print(en > 0, f.sum(0).abs().max() < 1e-1 * f.abs().max())
rbf = torch.exp(-((r[:, None] - torch.linspace(0, 5, 8)) ** 2) / 0.5)
print(rbf.sum(0))
idx = torch.stack([torch.randperm(N)[:4] for _ in range(2)])
print(
    X[idx].shape,
    X.index_select(0, idx[0]).sum(),
    torch.isin(e[0], idx[0]).sum(),
    X.index_put((idx[0],), torch.zeros(6)).abs().sum(),
    X.index_fill(0, idx[0], 2.0).sum(),
    torch.index_reduce(torch.ones(3, 6), 0, b, X, "prod")[:, 0],
)
