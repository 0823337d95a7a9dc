import math

import numpy as np
import torch

torch.manual_seed(0)
torch.set_printoptions(precision=5, linewidth=100)
X = torch.cat(
    [torch.randn(40, 3) + torch.tensor(c) for c in ([0.0, 0, 0], [4.0, 4, 0], [-4.0, 3, 2])]
)


def kmeans(X, k, iters=20):
    C = X[torch.randperm(X.shape[0])[:k]].clone()
    for i in range(iters):
        a = torch.cdist(X, C).argmin(1)
        new = torch.zeros_like(C).index_add_(0, a, X) / torch.bincount(a, minlength=k).clamp(
            min=1
        ).unsqueeze(1)
        if torch.equal(new, C):
            break
        C = new
    return C, a, i


C, a, i = kmeans(X, 3)
print(C, a.bincount(), i, torch.unique(a, return_counts=True))
Xc = X - X.mean(0, keepdim=True)
U, S, Vh = torch.linalg.svd(Xc, full_matrices=False)
print(S, (S**2 / (S**2).sum()), Vh.abs())
U2, S2, V2 = torch.pca_lowrank(X, q=2)
print(S2, torch.cov(X.T), torch.corrcoef(X.T))
ev, evec = torch.linalg.eigh(torch.cov(X.T))
print(ev.flip(0), evec.abs())
w = torch.tensor([[1.5], [-2.0], [0.7]])
y = X @ w + 0.3 + 0.1 * torch.randn(len(X), 1)
A = torch.hstack([X, torch.ones(len(X), 1)])
sol = torch.linalg.lstsq(A, y)
print(sol.solution.squeeze(), sol.rank, sol.residuals)
print(
    torch.linalg.pinv(A) @ y,
    torch.linalg.solve(A.T @ A + 1e-3 * torch.eye(4), A.T @ y),
    torch.linalg.cond(A),
    torch.linalg.matrix_rank(A),
)


# GP
def rbf(a, b, l=0.7):
    return torch.exp(-0.5 * torch.cdist(a, b).pow(2) / l**2)


xt = torch.linspace(-3, 3, 12).double().unsqueeze(1)
yt = torch.sin(xt) + 0.05 * torch.randn(12, 1)
ll = torch.tensor(0.0, dtype=torch.double, requires_grad=True)
ln = torch.tensor(-2.0, dtype=torch.double, requires_grad=True)
opt = torch.optim.Adam([ll, ln], 0.1)
for it in range(15):
    K = rbf(xt, xt, ll.exp()) + ln.exp() * torch.eye(12, dtype=torch.double)
    L = torch.linalg.cholesky(K)
    al = torch.cholesky_solve(yt, L)
    nll = 0.5 * (yt.T @ al).squeeze() + L.diagonal().log().sum() + 6 * math.log(2 * math.pi)
    opt.zero_grad()
    nll.backward()
    opt.step()
print(nll, ll, ln)
xs = torch.linspace(-4, 4, 5).double()[:, None]
Ks = rbf(xt, xs, ll.exp())
mu = Ks.T @ al
v = torch.linalg.solve_triangular(L, Ks, upper=False)
var = 1 - (v**2).sum(0)
print(mu.T, var)
# Kalman
F_ = torch.tensor([[1.0, 1.0], [0.0, 1.0]])
H = torch.tensor([[1.0, 0.0]])
Q = 0.01 * torch.eye(2)
R = torch.tensor([[0.5]])
x = torch.zeros(2, 1)
P = torch.eye(2)
for z in torch.arange(1.0, 8.0) + 0.3 * torch.randn(7):
    x = F_ @ x
    P = F_ @ P @ F_.mT + Q
    S = H @ P @ H.T + R
    K = P @ H.T @ torch.inverse(S)
    x = x + K @ (z - H @ x)
    P = (torch.eye(2) - K @ H) @ P
print(x.flatten(), P, torch.logdet(P), torch.trace(P))
# logistic regression by Newton, numpy interop
yb = (a == 0).double()
Ad = A.double()
b = torch.zeros(4, dtype=torch.double)
for _ in range(4):
    p = torch.sigmoid(Ad @ b)
    g = Ad.T @ (p - yb)
    Hs = Ad.T @ (Ad * (p * (1 - p)).unsqueeze(1)) + 0.1 * torch.eye(4)
    b -= torch.linalg.solve(Hs, g)
print(b, ((torch.sigmoid(Ad @ b) > 0.5).double() == yb).double().mean())
Xn = X.numpy()
print(
    np.allclose(np.cov(Xn.T), torch.cov(X.T).numpy(), atol=1e-5),
    np.linalg.norm(X),
    np.mean(X.numpy(), axis=0),
    np.asarray(a)[:5],
    np.array(X[:1]),
    X.numpy().flags["C_CONTIGUOUS"],
)
G = torch.randn(6, 6)
print(
    torch.linalg.eigvals(G).abs().sort().values,
    torch.matrix_exp(G * 0.1).sum(),
    torch.linalg.qr(G).R.diagonal().abs(),
    torch.kron(torch.eye(2), G[:2, :2]).shape,
    torch.block_diag(G[:1, :1], G[:2, :2]),
    torch.linalg.multi_dot([G, G, G]).trace(),
    torch.linalg.matrix_power(G, 3).trace(),
)
# EM gaussian mixture
pi = torch.full((3,), 1 / 3)
mu = C.clone()
cov = torch.eye(3).repeat(3, 1, 1)
for _ in range(5):
    Lc = torch.linalg.cholesky(cov)
    d = X[:, None] - mu
    m = torch.linalg.solve_triangular(Lc, d.permute(1, 2, 0), upper=False).pow(2).sum(1).T
    lp = (
        pi.log()
        - 0.5 * (m + 3 * math.log(2 * math.pi))
        - Lc.diagonal(dim1=-2, dim2=-1).log().sum(-1)
    )
    ll = lp.logsumexp(1)
    r = (lp - ll[:, None]).exp()
    n = r.sum(0)
    pi = n / n.sum()
    mu = (r.T @ X) / n[:, None]
    d = X[:, None] - mu
    cov = torch.einsum("nk,nki,nkj->kij", r, d, d) / n[:, None, None] + 1e-6 * torch.eye(3)
    print(ll.mean().item())
