import numpy as np
import torch
from torch.autograd import Variable, grad

torch.set_default_dtype(torch.float64)
torch.manual_seed(1234)
np.random.seed(1234)


class MLP(torch.nn.Module):
    def __init__(self, layers):
        super().__init__()
        self.act = torch.nn.Tanh()
        self.fs = torch.nn.ModuleList()
        for i in range(len(layers) - 1):
            self.fs.append(torch.nn.Linear(layers[i], layers[i + 1]))
            torch.nn.init.xavier_normal_(self.fs[-1].weight.data, gain=1.0)
            torch.nn.init.zeros_(self.fs[-1].bias.data)

    def forward(self, x):
        for l in self.fs[:-1]:
            x = self.act(l(x))
        return self.fs[-1](x)


net = MLP([2, 16, 16, 1])
nu = torch.nn.Parameter(torch.tensor([0.02]))
net.register_parameter("nu", nu)
xu = torch.tensor(np.random.rand(30, 2) * 2 - 1)
u = -torch.sin(np.pi * xu[:, 0:1])
xf = torch.from_numpy(np.random.uniform(-1, 1, (80, 2))).requires_grad_(True)


def residual():
    o = net(xf)
    g = grad(o.sum(), xf, create_graph=True)[0]
    ux, ut = g[:, :1], g[:, 1:]
    uxx = grad(ux, xf, torch.ones_like(ux), create_graph=True)[0][:, [0]]
    return ut + o * ux - nu * uxx


opt = torch.optim.Adam(net.parameters(), lr=1e-3)
for it in range(20):
    opt.zero_grad()
    l = torch.mean((net(xu) - u) ** 2) + torch.mean(residual() ** 2)
    l.backward()
    opt.step()
    if it % 5 == 0:
        print(f"{it} {l.item():.10e} {nu.item()!r}")
lb = torch.optim.LBFGS(
    net.parameters(),
    lr=1.0,
    max_iter=15,
    max_eval=20,
    history_size=10,
    tolerance_grad=1e-7,
    tolerance_change=1.0 * np.finfo(float).eps,
    line_search_fn="strong_wolfe",
)
n = 0


def closure():
    global n
    n += 1
    lb.zero_grad()
    l = ((net(xu) - u) ** 2).mean() + (residual() ** 2).mean()
    l.backward()
    return l


for _ in range(2):
    print(lb.step(closure).item(), n)
with torch.no_grad():
    print(f"{closure.__name__}", net(torch.zeros(1, 2)))
x = torch.linspace(0, 1, 5, requires_grad=True)
y = x**4
d = y
for k in range(4):
    (d,) = grad(d.sum(), x, create_graph=True)
    print(k, d.detach())
print(
    torch.get_default_dtype(),
    torch.tensor(1.5),
    torch.ones(2).dtype,
    Variable(torch.ones(1)),
    torch.gradient(torch.tensor([1.0, 4.0, 9.0, 16.0]), spacing=1.0),
)
lap = torch.func.hessian(lambda p: net(p)[0])(torch.zeros(2))
print(lap.trace(), lap)
torch.set_default_dtype(torch.float32)
