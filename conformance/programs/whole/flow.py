import math

import torch
import torch.nn as nn

torch.manual_seed(7)


def moons(n):
    t = torch.rand(n) * math.pi
    k = torch.rand(n) < 0.5
    x = torch.where(k, torch.cos(t), 1 - torch.cos(t))
    y = torch.where(k, torch.sin(t), 0.5 - torch.sin(t))
    return torch.stack([x, y], 1) + 0.05 * torch.randn(n, 2)


class Coupling(nn.Module):
    def __init__(self, mask):
        super().__init__()
        self.register_buffer("mask", mask)
        self.s = nn.Sequential(nn.Linear(2, 24), nn.LeakyReLU(), nn.Linear(24, 2), nn.Tanh())
        self.t = nn.Sequential(nn.Linear(2, 24), nn.LeakyReLU(), nn.Linear(24, 2))
        self.scale = nn.Parameter(torch.ones(2))

    def forward(self, x):
        xm = x * self.mask
        s = self.s(xm) * self.scale * (1 - self.mask)
        return xm + (1 - self.mask) * (x * s.exp() + self.t(xm)), s.sum(-1)

    def inverse(self, y):
        ym = y * self.mask
        s = self.s(ym) * self.scale * (1 - self.mask)
        return ym + (1 - self.mask) * (y - self.t(ym)) * torch.exp(-s)


class Inv1x1(nn.Module):
    def __init__(self):
        super().__init__()
        q, _ = torch.linalg.qr(torch.randn(2, 2))
        p, l, u = torch.linalg.lu(q)
        self.register_buffer("p", p)
        self.l = nn.Parameter(torch.tril(l, -1))
        self.u = nn.Parameter(torch.triu(u, 1))
        d = torch.diagonal(u)
        self.logs = nn.Parameter(d.abs().log())
        self.register_buffer("sgn", d.sign())

    @property
    def weight(self):
        return (
            self.p
            @ (self.l + torch.eye(2))
            @ (self.u + torch.diag_embed(self.sgn * self.logs.exp()))
        )

    def forward(self, x):
        return x @ self.weight, self.logs.sum().expand(x.shape[0])

    def inverse(self, y):
        return torch.linalg.solve(self.weight.mT, y.unsqueeze(-1)).squeeze(-1)


class ActNorm(nn.Module):
    def __init__(self):
        super().__init__()
        self.b = nn.Parameter(torch.zeros(2))
        self.ls = nn.Parameter(torch.zeros(2))
        self.register_buffer("init", torch.tensor(0, dtype=torch.uint8))

    def forward(self, x):
        if self.init == 0:
            with torch.no_grad():
                self.b.copy_(-x.mean(0))
                self.ls.data.copy_(-torch.log(x.std(0) + 1e-6))
                self.init.fill_(1)
        return (x + self.b) * self.ls.exp(), self.ls.sum().repeat(x.size(0))

    def inverse(self, y):
        return y * (-self.ls).exp() - self.b


layers = nn.ModuleList()
mask = torch.tensor([0.0, 1.0])
for i in range(3):
    layers.extend([ActNorm(), Inv1x1(), Coupling(mask if i % 2 else 1 - mask)])
opt = torch.optim.Adamax(layers.parameters(), lr=5e-3)
base = lambda z: -0.5 * (z**2).sum(1) - math.log(2 * math.pi)


def logp(x):
    ld = torch.zeros(x.shape[0])
    for l in layers:
        x, d = l(x)
        ld += d
    return base(x) + ld, x


for it in range(20):
    lp, z = logp(moons(128))
    loss = -lp.mean()
    opt.zero_grad()
    loss.backward()
    opt.step()
    if it % 4 == 0:
        print(it, loss.item(), z.std(0))
with torch.no_grad():
    x = moons(16)
    _, z = logp(x)
    for l in reversed(layers):
        z = l.inverse(z)
    print((z - x).abs().max() < 1e-4, x.sum().item())
    samples = torch.randn(5, 2)
    for l in layers[::-1]:
        samples = l.inverse(samples)
    print(samples)
print([k for k, _ in layers.named_buffers()])
print(layers[0].init, torch.slogdet(layers[1].weight), torch.linalg.det(layers[1].weight))
