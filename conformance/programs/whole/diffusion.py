import copy
import math

import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(0)
T = 30
betas = torch.linspace(1e-4, 0.02, T, dtype=torch.float64)
alphas = 1.0 - betas
ac = torch.cumprod(alphas, dim=0)
acp = F.pad(ac[:-1], (1, 0), value=1.0)
post = (betas * (1.0 - acp) / (1.0 - ac)).float()
sa, s1 = ac.sqrt().float(), (1 - ac).sqrt().float()


def cosine(s=0.008):
    x = torch.linspace(0, T, T + 1)
    a = torch.cos(((x / T) + s) / (1 + s) * math.pi * 0.5) ** 2
    a = a / a[0]
    return torch.clip(1 - (a[1:] / a[:-1]), 0.0001, 0.9999)


print(cosine().sum().item(), post[:3])


def extract(a, t, shape):
    return a.gather(-1, t.cpu()).reshape(t.shape[0], *((1,) * (len(shape) - 1))).to(t.device)


class SinEmb(nn.Module):
    def __init__(self, d):
        super().__init__()
        self.d = d

    def forward(self, t):
        h = self.d // 2
        e = torch.exp(torch.arange(h, device=t.device) * -(math.log(10000) / (h - 1)))
        e = t[:, None] * e[None, :]
        return torch.cat((e.sin(), e.cos()), dim=-1)


class ResBlock(nn.Module):
    def __init__(self, i, o, t):
        super().__init__()
        self.mlp = nn.Sequential(nn.SiLU(), nn.Linear(t, 2 * o))
        self.c1 = nn.Conv2d(i, o, 3, padding=1)
        self.n1 = nn.GroupNorm(4, o)
        self.c2 = nn.Conv2d(o, o, 3, padding=1)
        self.n2 = nn.GroupNorm(4, o)
        self.res = nn.Conv2d(i, o, 1) if i != o else nn.Identity()

    def forward(self, x, t):
        sc, sh = self.mlp(t)[..., None, None].chunk(2, dim=1)
        h = self.n1(self.c1(x)) * (sc + 1) + sh
        return self.n2(self.c2(F.silu(h))) + self.res(x)


class UNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.t = nn.Sequential(SinEmb(16), nn.Linear(16, 32), nn.GELU(), nn.Linear(32, 32))
        self.d1 = ResBlock(1, 8, 32)
        self.down = nn.Conv2d(8, 8, 4, 2, 1)
        self.mid = ResBlock(8, 16, 32)
        self.qkv = nn.Conv2d(16, 48, 1, bias=False)
        self.up = nn.Upsample(scale_factor=2, mode="nearest")
        self.u1 = ResBlock(24, 8, 32)
        self.out = nn.Conv2d(8, 1, 1)

    def forward(self, x, t):
        t = self.t(t)
        a = self.d1(x, t)
        b = self.mid(self.down(a), t)
        B, C, H, W = b.shape
        q, k, v = self.qkv(b).reshape(B, 3, 4, 4, H * W).unbind(1)
        s = torch.einsum("bhdi,bhdj->bhij", q * 0.5, k)
        s = s - s.amax(dim=-1, keepdim=True).detach()
        b = b + torch.einsum("bhij,bhdj->bhid", s.softmax(-1), v).permute(0, 1, 3, 2).reshape(
            B, C, H, W
        )
        return self.out(self.u1(torch.cat((self.up(b), a), 1), t))


m = UNet()
ema = copy.deepcopy(m).requires_grad_(False)
opt = torch.optim.AdamW(m.parameters(), lr=2e-3)
print(sum(p.numel() for p in m.parameters()))
data = (torch.rand(64, 1, 8, 8) > 0.5).float() * 2 - 1
for it in range(10):
    x0 = data[torch.randint(0, 64, (16,))]
    t = torch.randint(0, T, (16,)).long()
    noise = torch.randn_like(x0)
    xt = extract(sa, t, x0.shape) * x0 + extract(s1, t, x0.shape) * noise
    loss = F.smooth_l1_loss(m(xt, t), noise)
    opt.zero_grad()
    loss.backward()
    opt.step()
    with torch.no_grad():
        for pe, p in zip(ema.parameters(), m.parameters()):
            pe.mul_(0.9).add_(p.data, alpha=0.1)
    print(it, loss.item())


@torch.inference_mode()
def sample(n):
    x = torch.randn(n, 1, 8, 8)
    for i in reversed(range(T)):
        t = torch.full((n,), i, dtype=torch.long)
        mean = (1 / alphas[i].sqrt()).float() * (x - betas[i].float() / s1[i] * ema(x, t))
        x = mean + (post[i].sqrt() * torch.randn_like(x) if i > 0 else 0)
    return x.clamp(-1, 1)


s = sample(2)
print(s.mean().item(), s.std().item(), s[0, 0, 0])
print(sum(p.double().sum() for p in ema.parameters()))
