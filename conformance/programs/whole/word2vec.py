import collections

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(0)
np.random.seed(0)
corpus = (
    "the quick brown fox jumps over the lazy dog and the dog barks at the fox while the quick cat sleeps".split()
    * 8
)
cnt = collections.Counter(corpus)
vocab = sorted(cnt)
ix = {w: i for i, w in enumerate(vocab)}
V = len(vocab)
freq = torch.tensor([cnt[w] for w in vocab], dtype=torch.float)
unigram = freq.pow(0.75)
unigram /= unigram.sum()
ids = torch.tensor([ix[w] for w in corpus])
pairs = torch.tensor(
    [
        (ids[i].item(), ids[j].item())
        for i in range(len(ids))
        for j in range(max(0, i - 2), min(len(ids), i + 3))
        if i != j
    ]
)
print(pairs.shape, pairs[:4], unigram)


class SG(nn.Module):
    def __init__(self, sparse):
        super().__init__()
        self.u = nn.Embedding(V, 12, sparse=sparse)
        self.v = nn.Embedding(V, 12, sparse=sparse)
        r = 0.5 / 12
        self.u.weight.data.uniform_(-r, r)
        self.v.weight.data.uniform_(-0, 0)

    def forward(self, c, p, n):
        u = self.u(c)
        pos = F.logsigmoid((u * self.v(p)).sum(1))
        neg = F.logsigmoid(-torch.bmm(self.v(n), u.unsqueeze(2)).squeeze()).sum(1)
        return -(pos + neg).mean()


for sparse in (False, True):
    torch.manual_seed(2)
    m = SG(sparse)
    opt = (
        torch.optim.SparseAdam(m.parameters(), lr=0.01)
        if sparse
        else torch.optim.Adagrad(m.parameters(), lr=0.1)
    )
    for it in range(20):
        b = pairs[torch.randint(0, len(pairs), (64,))]
        n = torch.multinomial(unigram, 64 * 5, replacement=True).view(64, 5)
        loss = m(b[:, 0], b[:, 1], n)
        opt.zero_grad()
        loss.backward()
        opt.step()
        if it % 4 == 0:
            print(
                it, loss.item(), m.u.weight.grad.is_sparse if m.u.weight.grad is not None else None
            )
    e = F.normalize(m.u.weight.detach(), dim=1)
    sim = e @ e.t()
    v, i = sim.topk(3)
    print([[vocab[k] for k in r] for r in i.tolist()][:4], v[:2])
    if sparse:
        print(m.u.weight.grad)
keep = torch.rand(len(ids)) < (1e-2 / (freq / freq.sum())[ids]).sqrt()
print(keep.sum(), torch.bincount(ids, minlength=V))
np.savez("w.npz", emb=m.u.weight.detach().cpu().numpy())
print(np.load("w.npz")["emb"].dtype, m.u.weight.data.numpy().mean())
