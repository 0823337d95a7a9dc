import torch
import torch.nn as nn
from torch.nn.utils import spectral_norm
from torch.nn.utils.parametrizations import orthogonal
from torch.nn.utils.parametrizations import spectral_norm as sn2
from torch.nn.utils.parametrizations import weight_norm as wn2

torch.manual_seed(999)


def weights_init(m):
    classname = m.__class__.__name__
    if classname.find("Conv") != -1 and hasattr(m, "weight"):
        nn.init.normal_(m.weight.data, 0.0, 0.02)
    elif classname.find("BatchNorm") != -1:
        nn.init.normal_(m.weight.data, 1.0, 0.02)
        nn.init.constant_(m.bias.data, 0)


G = nn.Sequential(
    nn.ConvTranspose2d(8, 16, 4, 1, 0, bias=False),
    nn.BatchNorm2d(16),
    nn.ReLU(True),
    nn.ConvTranspose2d(16, 8, 4, 2, 1, bias=False),
    nn.BatchNorm2d(8),
    nn.ReLU(True),
    nn.ConvTranspose2d(8, 3, 4, 2, 1, bias=False),
    nn.Tanh(),
)
G.apply(weights_init)
for style, sn in (("old", spectral_norm), ("new", sn2)):
    torch.manual_seed(5)
    D = nn.Sequential(
        sn(nn.Conv2d(3, 8, 4, 2, 1)),
        nn.LeakyReLU(0.2, inplace=True),
        sn(nn.Conv2d(8, 16, 4, 2, 1)),
        nn.LeakyReLU(0.2, inplace=True),
        nn.Flatten(),
        sn(nn.Linear(256, 1)),
    )
    print(D)
    print(list(D.state_dict().keys())[:6])
    od = torch.optim.Adam(D.parameters(), lr=2e-4, betas=(0.5, 0.999))
    og = torch.optim.Adam(G.parameters(), lr=2e-4, betas=(0.5, 0.999))
    crit = nn.BCEWithLogitsLoss()
    fixed = torch.randn(4, 8, 1, 1)
    for it in range(6):
        real = torch.rand(8, 3, 16, 16) * 2 - 1
        D.zero_grad()
        out = D(real).view(-1)
        lr = crit(out, torch.full((8,), 0.9))
        lr.backward()
        dx = out.mean().item()
        noise = torch.randn(8, 8, 1, 1)
        fake = G(noise)
        out = D(fake.detach()).view(-1)
        lf = crit(out, torch.zeros(8))
        lf.backward()
        od.step()
        G.zero_grad()
        out = D(fake).view(-1)
        lg = crit(out, torch.ones_like(out))
        lg.backward()
        og.step()
        print(
            "[%d] Loss_D: %.6f Loss_G: %.6f D(x): %.6f D(G(z)): %.6f"
            % (it, (lr + lf).item(), lg.item(), dx, out.sigmoid().mean())
        )
    with torch.no_grad():
        print(G(fixed).detach().cpu().sum().item())
# WGAN-GP
C = nn.Sequential(
    nn.Linear(2, 32), nn.LeakyReLU(0.2), nn.Linear(32, 32), nn.Softplus(), nn.Linear(32, 1)
)
Gn = nn.Sequential(nn.Linear(3, 32), nn.SiLU(), nn.Linear(32, 2))
oc = torch.optim.RMSprop(C.parameters(), lr=5e-4)
og = torch.optim.RMSprop(Gn.parameters(), lr=5e-4)
for it in range(8):
    for _ in range(3):
        x = torch.randn(32, 2) * 0.1 + torch.tensor([1.0, -1.0])
        f = Gn(torch.randn(32, 3)).detach()
        a = torch.rand(32, 1)
        xi = (a * x + (1 - a) * f).requires_grad_(True)
        ci = C(xi)
        (g,) = torch.autograd.grad(
            outputs=ci,
            inputs=xi,
            grad_outputs=torch.ones(ci.size()),
            create_graph=True,
            retain_graph=True,
            only_inputs=True,
        )
        gp = ((g.norm(2, dim=1) - 1) ** 2).mean() * 10
        loss = C(f).mean() - C(x).mean() + gp
        oc.zero_grad()
        loss.backward()
        oc.step()
    for p in C.parameters():
        p.requires_grad_(False)
    lg = -C(Gn(torch.randn(32, 3))).mean()
    og.zero_grad()
    lg.backward()
    og.step()
    for p in C.parameters():
        p.requires_grad = True
    print(it, loss.item(), gp.item(), lg.item())
l = orthogonal(nn.Linear(4, 4))
print(torch.allclose(l.weight @ l.weight.T, torch.eye(4), atol=1e-5))
w = wn2(nn.Linear(3, 2))
print(w, w.parametrizations.weight.original0.shape)
w(torch.ones(1, 3)).sum().backward()
print(w.parametrizations.weight.original0.grad)
