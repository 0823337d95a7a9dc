"""The first lessons of a course: shapes, memory, printing, gradients, mistakes."""

import numpy as np
import torch

torch.manual_seed(42)
torch.set_printoptions(precision=3, sci_mode=False)
x = torch.arange(12, dtype=torch.float32)
X = x.reshape(3, 4)
print(
    x,
    x.numel(),
    X,
    X.shape,
    X[-1],
    X[1:3],
    X.T,
    X.sum(axis=0, keepdims=True),
    X == X.T.reshape(3, 4),
)
X[1, 2] = 17
X[:2, :] = 12
print(
    X,
    torch.cat((X, X), dim=1),
    X.mean(),
    X.cumsum(axis=0),
    X.norm(),
    torch.exp(x)[:3],
    id(X) == id(X.add_(1)),
)
a = torch.arange(3).reshape((3, 1))
b = torch.arange(2).reshape((1, 2))
print(
    a + b,
    a.type(),
    (a + b).dtype,
    a / 2,
    a // 2,
    a % 2,
    -a,
    a**2,
    a.float().mean(),
    5 / torch.tensor(2),
    torch.tensor([1, 2]) @ torch.tensor([3, 4]),
)
print(
    X.numpy().__class__,
    torch.from_numpy(np.eye(2)),
    torch.tensor(3.5).item(),
    int(torch.tensor(3)),
    float(torch.tensor(2.5)),
    torch.tensor([[1, 2], [3, 4]]).tolist(),
    bool(torch.tensor(1)),
    f"{torch.tensor(2.71828):.2f}",
    f"{torch.tensor(4):d}",
    list(torch.tensor([1, 2])),
    torch.tensor([True, False]).sum(),
    len(X),
    5 in x,
    torch.tensor(4) in x,
)
y = torch.arange(4.0, requires_grad=True)
z = 2 * torch.dot(y, y)
z.backward()
print(y.grad, y.grad == 4 * y, z)
y.grad.zero_()
u = (y * y).detach()
(u * y).sum().backward()
print(y.grad == u, y, y.is_leaf, z.requires_grad)


def f(a):
    b = a * 2
    while b.norm() < 1000:
        b = b * 2
    return b if b.sum() > 0 else 100 * b


a = torch.randn(size=(), requires_grad=True)
d = f(a)
d.backward()
print(a.grad == d / a, a)
print(
    torch.zeros(2, 3, 4)[:, 0],
    torch.ones_like(X),
    torch.full((2, 2), 7),
    torch.linspace(0, 1, 5),
    torch.eye(3),
    torch.empty(0),
    torch.tensor([]),
    torch.rand(2, 2),
    torch.randn(3),
    torch.randint(10, (4,)),
    torch.randperm(5),
    torch.normal(0.0, 1.0, (2,)),
)
print(
    torch.tensor([1e10, 1.0]),
    torch.tensor([1e-5, 1.0]),
    torch.tensor([float("nan"), 1.0, -float("inf")]),
    torch.arange(2000),
    torch.zeros(100, 100),
    torch.tensor([[1.5, -2], [300.25, 4]]),
    torch.tensor(1e-10),
    torch.tensor([1, -200]),
    torch.tensor([True]),
    torch.tensor(["a"] and [0.1], dtype=torch.float16),
    torch.ones(2, device="cpu"),
    torch.tensor(5, dtype=torch.uint8),
    torch.tensor([1.0]).double(),
)
torch.set_printoptions(profile="default")
print(
    torch.tensor([1e10, 1.0]),
    torch.rand(3) * 1e-6,
    torch.tensor([123456.789]),
    torch.tensor([0.1234567]),
    torch.tensor([1.0, 2.5, 1000000.0]),
    torch.ones(3, 3).fill_(1 / 3),
    torch.tensor([[[1.0]]]),
)
w = torch.randn(2, 1) * 0.01
w.requires_grad_(True)
bb = torch.zeros(1, requires_grad=True)
feats = torch.randn(100, 2)
lab = feats @ torch.tensor([[2.0], [-3.4]]) + 4.2 + 0.01 * torch.randn(100, 1)
for ep in range(3):
    idx = torch.randperm(100)
    for i in range(0, 100, 10):
        k = idx[i : i + 10]
        l = ((feats[k] @ w + bb - lab[k]) ** 2 / 2).mean()
        l.backward()
        with torch.no_grad():
            for p in (w, bb):
                p -= 0.1 * p.grad
                p.grad.zero_()
    print(f"epoch {ep + 1}, loss {float(((feats @ w + bb - lab) ** 2 / 2).mean()):f}")
for bad in (
    lambda: torch.ones(2) + torch.ones(3),
    lambda: torch.ones(2, 3) @ torch.ones(2, 3),
    lambda: x.view(5, 2),
    lambda: x[20],
    lambda: X[0, 9],
    lambda: torch.tensor([[1], [2, 3]]),
    lambda: torch.tensor("a"),
    lambda: x.reshape(-1, 5),
    lambda: torch.cat([torch.ones(2), torch.ones(2, 2)]),
    lambda: torch.stack([torch.ones(2), torch.ones(3)]),
    lambda: X.squeeze(7),
    lambda: x.item(),
    lambda: torch.ones(2).long() @ torch.ones(2),
    lambda: y.numpy(),
    lambda: torch.zeros(-1),
    lambda: bool(x),
    lambda: torch.nn.Linear(3, 2)(torch.ones(1, 4)),
    lambda: torch.nn.functional.cross_entropy(torch.ones(2, 3), torch.tensor([0, 5])),
    lambda: torch.ones(2).foo,
    lambda: torch.nosuch,
    lambda: torch.zeros(2)[1.5],
    lambda: torch.arange(3).mean(),
    lambda: torch.ones(3).sort(dim=2),
    lambda: torch.nn.Conv2d(3, 4, 3)(torch.ones(1, 2, 8, 8)),
    lambda: torch.ones(2, dtype=torch.int).sqrt_(),
    lambda: torch.nn.Embedding(3, 2)(torch.tensor([5])),
    lambda: torch.nn.Embedding(3, 2)(torch.ones(2)),
    lambda: x.permute(0, 1),
    lambda: X.transpose(0, 5),
    lambda: torch.ones(3).expand(2),
    lambda: X.gather(0, torch.tensor([0])),
    lambda: torch.nn.BatchNorm1d(3)(torch.ones(1, 3)),
):
    try:
        print("fine", bad())
    except Exception as e:
        print(type(e).__name__)
