"""Language models on packed sentences; cells, projections and attention over states."""

import math

import torch
from torch import nn
from torch.nn.utils.rnn import (
    PackedSequence,
    pack_padded_sequence,
    pack_sequence,
    pad_packed_sequence,
    pad_sequence,
)

torch.manual_seed(0)
text = "the quick brown fox jumps over the lazy dog . the dog sleeps . a fox runs over the hill .".split()
V = {w: i + 1 for i, w in enumerate(sorted(set(text)))}
ids = torch.tensor([V[w] for w in text])


class LM(nn.Module):
    def __init__(s, kind, v, d=24, layers=2, tie=True):
        super().__init__()
        s.e = nn.Embedding(v, d, padding_idx=0)
        s.r = getattr(nn, kind)(d, d, layers, batch_first=True, dropout=0.2)
        s.o = nn.Linear(d, v)
        s.dr = nn.Dropout(0.1)
        s.o.weight = s.e.weight if tie else s.o.weight
        nn.init.uniform_(s.e.weight, -0.1, 0.1)

    def forward(s, x, n, h=None):
        p = pack_padded_sequence(s.dr(s.e(x)), n, batch_first=True, enforce_sorted=False)
        y, h = s.r(p, h)
        y, m = pad_packed_sequence(y, batch_first=True, total_length=x.size(1))
        return s.o(s.dr(y)), h


seqs = [ids[a : a + k] for a, k in ((0, 9), (3, 5), (8, 7), (2, 4))]
X = pad_sequence([s[:-1] for s in seqs], batch_first=True)
Y = pad_sequence([s[1:] for s in seqs], batch_first=True, padding_value=-100)
n = torch.tensor([len(s) - 1 for s in seqs])
for kind in ("LSTM", "GRU", "RNN"):
    torch.manual_seed(1)
    m = LM(kind, len(V) + 1)
    o = torch.optim.SGD(m.parameters(), 1.0, momentum=0.5)
    for i in range(6):
        lo, h = m(X, n)
        l = nn.functional.cross_entropy(lo.flatten(0, 1), Y.flatten(), ignore_index=-100)
        o.zero_grad()
        l.backward()
        g = nn.utils.clip_grad_norm_(m.parameters(), 0.25)
        o.step()
    print(
        kind,
        f"{l.item():.5f} ppl {math.exp(l.item()):.3f} {g:.4f}",
        (h[0] if isinstance(h, tuple) else h)[-1, 0, :3],
    )
m.eval()
w = [V["the"]]
h = None
torch.manual_seed(0)
for _ in range(6):
    lo, h = m(torch.tensor([[w[-1]]]), torch.tensor([1]), h)
    p = (lo[0, -1] / 0.8).softmax(-1)
    k = p.topk(5)
    w.append(k.indices[torch.multinomial(k.values / k.values.sum(), 1)].item())
print(w)
bi = nn.LSTM(3, 4, bidirectional=True, proj_size=2)
p = pack_sequence([torch.randn(5, 3), torch.randn(3, 3), torch.randn(2, 3)])
y, (h, c) = bi(p)
print(p.batch_sizes, y.data.shape, h.shape, c.shape, pad_packed_sequence(y)[0][:, 1].sum(1))
print(
    isinstance(y, PackedSequence),
    bi.weight_hr_l0_reverse.shape,
    [k for k, _ in bi.named_parameters()][:5],
)
# truncated backpropagation with carried state, cells, attention over states
cell = nn.LSTMCell(24, 24)
h = c = torch.zeros(2, 24)
e = nn.Embedding(len(V) + 1, 24)
loss = 0
stream = ids[:18].view(2, 9)
for t in range(8):
    h, c = cell(e(stream[:, t]), (h, c))
    loss = loss + (h @ e.weight.T).log_softmax(-1).gather(1, stream[:, t + 1 : t + 2]).neg().mean()
    if t % 4 == 3:
        loss.backward()
        print(f"{loss.item():.5f}", cell.weight_hh.grad.norm())
        h, c, loss = h.detach(), c.detach(), 0
a = torch.randn(2, 5, 24)
mask = torch.arange(5)[None] < torch.tensor([3, 5])[:, None]
sc = torch.bmm(a, h.unsqueeze(2)).squeeze(2).masked_fill(~mask, float("-inf"))
print(sc.softmax(1), torch.einsum("bn,bnd->bd", sc.softmax(1), a)[:, :2])
gru = nn.GRUCell(24, 24)
print(gru(a[:, 0], h)[:, :2])
r = nn.RNN(3, 4, nonlinearity="relu", bias=False)(torch.ones(2, 1, 3))[0]
print(r)
for bad in (
    lambda: pack_padded_sequence(torch.ones(2, 3, 1), [3, 2, 1], batch_first=True),
    lambda: pack_padded_sequence(torch.ones(3, 2, 1), [2, 3]),
    lambda: pack_padded_sequence(torch.ones(3, 2, 1), [3, 0]),
    lambda: nn.LSTM(3, 4)(torch.ones(2, 1, 5)),
    lambda: nn.LSTM(3, 4)(torch.ones(2, 1, 3), (torch.ones(1, 2, 4), torch.ones(1, 1, 4))),
):
    try:
        bad()
    except Exception as ex:
        print(type(ex).__name__, str(ex)[:80])
