import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(0)
enc = nn.Sequential(nn.Linear(20, 32, bias=False), nn.BatchNorm1d(32), nn.ReLU(), nn.Linear(32, 16))
opt = torch.optim.Adam(enc.parameters(), 1e-3)
sch = torch.optim.lr_scheduler.SequentialLR(
    opt,
    [
        torch.optim.lr_scheduler.LinearLR(opt, 0.1, total_iters=3),
        torch.optim.lr_scheduler.CosineAnnealingLR(opt, T_max=7, eta_min=1e-5),
    ],
    milestones=[3],
)


def ntxent(z1, z2, t=0.5):
    N = z1.size(0)
    z = F.normalize(torch.cat([z1, z2], 0), dim=1)
    sim = torch.matmul(z, z.T) / t
    sim.fill_diagonal_(-9e15)
    pos = torch.cat([torch.diag(sim, N), torch.diag(sim, -N)])
    return (-pos + torch.logsumexp(sim, dim=-1)).mean()


def info_nce(feats, n=8):
    labels = torch.cat([torch.arange(n) for i in range(2)], dim=0)
    labels = (labels.unsqueeze(0) == labels.unsqueeze(1)).float()
    feats = F.normalize(feats, dim=1)
    s = feats @ feats.T
    mask = torch.eye(labels.shape[0], dtype=torch.bool)
    labels = labels[~mask].view(labels.shape[0], -1)
    s = s[~mask].view(s.shape[0], -1)
    pos = s[labels.bool()].view(labels.shape[0], -1)
    neg = s[~labels.bool()].view(s.shape[0], -1)
    return F.cross_entropy(torch.cat([pos, neg], 1) / 0.07, torch.zeros(2 * n, dtype=torch.long))


for it in range(10):
    x = torch.randn(8, 20)
    a, b = enc(x + 0.1 * torch.randn_like(x)), enc(F.dropout(x, 0.2))
    l = ntxent(a, b) + info_nce(torch.cat([a, b]))
    opt.zero_grad()
    l.backward(retain_graph=True)
    opt.step()
    sch.step()
    print(it, l.item(), sch.get_last_lr()[0])
# BYOL / momentum / barlow / supcon / triplet / arcface / center
c = F.normalize(a, dim=0).T @ F.normalize(b, dim=0)
on = torch.diagonal(c).add(-1).pow(2).sum()
off = c.flatten()[:-1].view(15, 17)[:, 1:].flatten().pow(2).sum()
print(on.item(), off.item())
y = torch.tensor([0, 0, 1, 1, 2, 2, 3, 3])
d = torch.cdist(a, a)
same = y[:, None] == y[None]
hp = (d * same).max(1)[0]
hn = (d + 1e5 * same).min(1).values
print(
    F.relu(hp - hn + 0.3).mean().item(),
    F.margin_ranking_loss(hn, hp, torch.ones_like(hn), margin=0.3).item(),
)
print(
    nn.TripletMarginLoss(margin=0.2, p=2, swap=True)(a, b, a.flip(0)).item(),
    nn.TripletMarginWithDistanceLoss(
        distance_function=lambda x, y: 1.0 - F.cosine_similarity(x, y)
    )(a, b, b.roll(1, 0)).item(),
    nn.CosineEmbeddingLoss(margin=0.1)(a, b, torch.tensor([1, -1] * 4)).item(),
)
W = nn.Parameter(torch.empty(4, 16))
nn.init.xavier_uniform_(W)
cos = F.linear(F.normalize(a), F.normalize(W))
th = torch.acos(cos.clamp(-1 + 1e-7, 1 - 1e-7))
oh = torch.zeros_like(cos).scatter_(1, y.view(-1, 1), 1)
lg = 30 * torch.where(oh.bool(), torch.cos(th + 0.5), cos)
l = F.cross_entropy(lg, y)
l.backward(inputs=[W], retain_graph=True)
print(l.item(), W.grad.norm())
queue = F.normalize(torch.randn(16, 32), dim=0)
ptr = torch.zeros(1, dtype=torch.long)
p = int(ptr)
queue[:, p : p + 8] = b.detach().T
ptr[0] = (p + 8) % 32
lpos = torch.einsum("nc,nc->n", [a, b]).unsqueeze(-1)
lneg = torch.einsum("nc,ck->nk", [a, queue.clone().detach()])
print(torch.cat([lpos, lneg], 1).sum().item(), ptr)
h = F.pdist(a).pow(2).mul(-2).exp().mean().log()
print(
    h.item(),
    F.pairwise_distance(a, b)[:2],
    F.hinge_embedding_loss(d[0], torch.where(same[0], 1, -1)).item(),
)
