"""Operators learned in Fourier space; spectra, filters, cepstra, phase by iteration."""

import math

import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(0)


class Spec1(nn.Module):
    def __init__(s, i, o, m):
        super().__init__()
        s.m = m
        s.w = nn.Parameter(torch.rand(i, o, m, dtype=torch.cfloat) / (i * o))

    def forward(s, x):
        X = torch.fft.rfft(x)
        out = torch.zeros(x.size(0), s.w.size(1), X.size(-1), dtype=torch.cfloat)
        out[:, :, : s.m] = torch.einsum("bix,iox->box", X[:, :, : s.m], s.w)
        return torch.fft.irfft(out, n=x.size(-1))


class Spec2(nn.Module):
    def __init__(s, c, m):
        super().__init__()
        s.m = m
        s.w1 = nn.Parameter(torch.rand(c, c, m, m, dtype=torch.cfloat) / c**2)
        s.w2 = nn.Parameter(torch.rand(c, c, m, m, dtype=torch.cfloat) / c**2)

    def forward(s, x):
        X = torch.fft.rfft2(x, norm="ortho")
        o = torch.zeros_like(X)
        m = s.m
        o[..., :m, :m] = torch.einsum("bixy,ioxy->boxy", X[..., :m, :m], s.w1)
        o[..., -m:, :m] = torch.einsum("bixy,ioxy->boxy", X[..., -m:, :m], s.w2)
        return torch.fft.irfft2(o, s=x.shape[-2:], norm="ortho")


class FNO(nn.Module):
    def __init__(s, w=8):
        super().__init__()
        s.p = nn.Linear(2, w)
        s.s = nn.ModuleList(Spec1(w, w, 6) for _ in range(2))
        s.c = nn.ModuleList(nn.Conv1d(w, w, 1) for _ in range(2))
        s.q = nn.Sequential(nn.Linear(w, 16), nn.GELU(), nn.Linear(16, 1))

    def forward(s, a):
        g = torch.linspace(0, 1, a.size(1)).expand(a.size(0), -1)
        x = s.p(torch.stack([a, g], -1)).permute(0, 2, 1)
        for sp, c in zip(s.s, s.c):
            x = F.gelu(sp(x) + c(x))
        return s.q(x.permute(0, 2, 1)).squeeze(-1)


n = 32
k = torch.fft.fftfreq(n, 1 / n)
a = torch.fft.ifft(torch.fft.fft(torch.randn(24, n)) * torch.exp(-k.abs() / 2)).real
u = torch.fft.ifft(torch.fft.fft(a) * torch.exp(-0.05 * k**2)).real
net = FNO()
o = torch.optim.Adam(net.parameters(), 5e-3, weight_decay=1e-4)
for i in range(8):
    l = ((net(a) - u).norm(dim=1) / u.norm(dim=1)).mean()
    o.zero_grad()
    l.backward()
    o.step()
    print(i, f"{l.item():.5f}")
print(
    net(F.interpolate(a[:, None], scale_factor=2, mode="linear", align_corners=False)[:, 0])[0, :4],
    net.s[0].w.grad.abs().sum(),
)
s2 = Spec2(3, 4)
x = torch.randn(2, 3, 12, 10, requires_grad=True)
y = s2(x)
y.pow(2).sum().backward()
print(y.std(), x.grad.norm(), s2.w2.grad.abs().sum())
# spectral solver, FFT convolution, power spectrum, dct, hilbert
w = torch.exp(-((torch.arange(n) / n * 2 * math.pi - math.pi) ** 2))
for _ in range(50):
    wh = torch.fft.rfft(w)
    kk = torch.arange(n // 2 + 1)
    w = w + 1e-3 * (
        torch.fft.irfft(-0.1 * kk**2 * wh, n=n) - w * torch.fft.irfft(1j * kk * wh, n=n)
    )
print(w[::8], w.sum())
h = torch.tensor([1.0, 2.0, 3.0])
full = torch.fft.irfft(torch.fft.rfft(w, 64) * torch.fft.rfft(h, 64), 64)[:34]
print(
    (full - F.conv1d(w.view(1, 1, -1), h.flip(0).view(1, 1, -1), padding=2).view(-1)).abs().max()
    < 1e-4
)
print(
    torch.fft.fftshift(torch.fft.fftfreq(8)),
    torch.fft.hfft(torch.tensor([1.0, 2.0, 3.0])),
    torch.fft.fftn(torch.arange(8.0).view(2, 2, 2))[1],
    torch.fft.ifft2(torch.eye(4))[0],
    torch.fft.rfftfreq(5, 0.1),
    torch.fft.fft(torch.arange(4.0), n=6, norm="forward"),
)
t = torch.arange(0, 1, 1 / 400)
sig = (
    torch.sin(2 * math.pi * 50 * t)
    + 0.5 * torch.sin(2 * math.pi * 120 * t)
    + 0.1 * torch.randn(400)
)
S = torch.stft(sig, 64, 16, window=torch.hann_window(64), return_complex=True)
print(
    S.shape,
    S.abs().mean(1).topk(4).indices,
    (torch.istft(S, 64, 16, window=torch.hann_window(64), length=400) - sig).abs().max() < 1e-5,
)


def mel(f):
    return 2595 * torch.log10(1 + f / 700)


pts = 700 * (10 ** (torch.linspace(0, mel(torch.tensor(200.0)).item(), 10) / 2595) - 1)
fr = torch.linspace(0, 200, 33)
sl = pts[:, None] - fr[None]
fb = torch.clamp(
    torch.minimum(-sl[:-2] / pts.diff()[:-1, None], sl[2:] / pts.diff()[1:, None]), min=0
)
M = (fb @ S.abs() ** 2).clamp(min=1e-10).log10() * 10
print(M.shape, M.mean(1))
dct = torch.cos(math.pi / 8 * (torch.arange(8.0) + 0.5) * torch.arange(5.0)[:, None])
print((dct @ M)[:, 3])
ph = torch.rand(S.shape) * 6.28
for _ in range(10):
    ph = torch.stft(
        torch.istft(torch.polar(S.abs(), ph), 64, 16, window=torch.hann_window(64)),
        64,
        16,
        window=torch.hann_window(64),
        return_complex=True,
    ).angle()[:, : S.shape[1]]
print(
    (
        torch.stft(
            torch.istft(torch.polar(S.abs(), ph), 64, 16, window=torch.hann_window(64)),
            64,
            16,
            window=torch.hann_window(64),
            return_complex=True,
        ).abs()
        - S.abs()
    ).norm()
    / S.abs().norm()
    < 0.5
)
