"""Gradients of each sample, ensembles, Jacobians, meta-learning with torch.func."""

import copy

import torch
from torch import nn
from torch.func import (
    functional_call,
    grad,
    grad_and_value,
    hessian,
    jacfwd,
    jacrev,
    jvp,
    stack_module_state,
    vjp,
    vmap,
)

torch.manual_seed(0)
net = nn.Sequential(nn.Linear(3, 16), nn.Tanh(), nn.Linear(16, 1))
params = {k: v.detach() for k, v in net.named_parameters()}
X, Y = torch.randn(12, 3), torch.randn(12)


def loss(p, x, y):
    return (functional_call(net, p, (x.unsqueeze(0),)).squeeze() - y) ** 2


per = vmap(grad(loss), in_dims=(None, 0, 0))(params, X, Y)
norms = torch.stack([v.flatten(1).norm(dim=1) for v in per.values()]).norm(dim=0)
print(norms)
clip = (1.0 / norms).clamp(max=1)
dp = {
    k: torch.einsum("b,b...->...", clip, v) / 12 + 0.01 * torch.randn(v.shape[1:])
    for k, v in per.items()
}
print({k: round(v.norm().item(), 4) for k, v in dp.items()})
f = lambda x: functional_call(net, params, (x,)).squeeze(-1)
J = jacrev(f)(X[0])
J2 = jacfwd(f)(X[0])
H = hessian(lambda x: f(x))(X[0])
print(J, torch.allclose(J, J2, atol=1e-6), H, torch.allclose(H, H.T, atol=1e-6))
lap = vmap(lambda x: hessian(f)(x).diagonal().sum())(X)
print(lap[:4])
o, vf = vjp(f, X[1])
print(o, vf(torch.ones(()))[0])
print(jvp(f, (X[1],), (torch.ones(3),)))
jac_p = jacrev(lambda p, x: functional_call(net, p, (x,)).squeeze(-1))(params, X[:5])
ntk = sum((j.flatten(1) @ j.flatten(1).T) for j in jac_p.values())
print(ntk, torch.linalg.eigvalsh(ntk).min() > 0)
models = [nn.Linear(3, 2) for _ in range(4)]
ps, bs = stack_module_state(models)
base = copy.deepcopy(models[0]).to("cpu")
ens = vmap(lambda p, b, x: functional_call(base, (p, b), (x,)), in_dims=(0, 0, None))(ps, bs, X)
print(ens.shape, ens.std(0)[0], torch.allclose(ens[2], models[2](X)))


# MAML on sine waves
def maml_loss(p, task):
    xs, ys, xq, yq = task
    l = lambda p, x, y: (functional_call(reg, p, (x,)) - y).pow(2).mean()
    g = grad(l)(p, xs, ys)
    q = {k: v - 0.05 * g[k] for k, v in p.items()}
    return l(q, xq, yq)


reg = nn.Sequential(nn.Linear(1, 20), nn.ReLU(), nn.Linear(20, 1))
rp = {k: v.detach().requires_grad_() for k, v in reg.named_parameters()}
opt = torch.optim.Adam(rp.values(), 1e-2)
for it in range(4):
    amp, ph = torch.rand(6, 1, 1) * 4 + 1, torch.rand(6, 1, 1) * 3
    x = torch.rand(6, 20, 1) * 10 - 5
    y = amp * torch.sin(x + ph)
    l = vmap(maml_loss, in_dims=(None, 0))(rp, (x[:, :10], y[:, :10], x[:, 10:], y[:, 10:])).mean()
    opt.zero_grad()
    l.backward()
    opt.step()
    print(it, f"{l.item():.5f}")
print(
    vmap(torch.dot)(torch.arange(6.0).view(2, 3), torch.ones(2, 3)),
    vmap(lambda a, b: a @ b, in_dims=(0, 1), out_dims=1)(
        torch.ones(2, 3, 4), torch.ones(4, 2, 5)
    ).shape,
)
print(
    vmap(lambda x: torch.where(x > 0, x.sin(), x.cos()))(X[:2]),
    vmap(vmap(lambda a, b: (a - b).norm(), (None, 0)), (0, None))(X[:3], X[3:6]),
)
print(
    vmap(lambda x: x + torch.rand(3), randomness="same")(torch.zeros(2, 3)).std(0),
    vmap(lambda i: X[i].sum())(torch.tensor([0, 5])),
    vmap(lambda a: a.sort().values[:2])(X[:2]),
)
print(
    grad_and_value(lambda x: (x**3).sum())(torch.tensor([1.0, 2.0])),
    grad(grad(torch.sin))(torch.tensor(1.0)),
    grad(lambda x, y: (x["a"] * y).sum(), argnums=(0, 1))({"a": torch.ones(2)}, torch.arange(2.0)),
)
print(
    jacrev(lambda x: (x.sin(), {"k": x.cumsum(0)}))(torch.tensor([0.1, 0.2])),
    torch.func.functionalize(lambda x: x.clone().add_(1).view(-1).mul_(2))(torch.ones(2)),
)
try:
    vmap(lambda x: x.item())(X[0])
except RuntimeError as e:
    print(type(e).__name__)
try:
    vmap(lambda x, y: x)(torch.ones(2), torch.ones(3))
except ValueError as e:
    print(str(e)[:60])
try:
    grad(lambda x: x * 2)(X[0])
except RuntimeError as e:
    print(str(e)[:70])
