import random

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.nn.utils.rnn import (
    pack_padded_sequence,
    pack_sequence,
    pad_packed_sequence,
    pad_sequence,
)

random.seed(0)
torch.manual_seed(0)
PAD, BOS, EOS = 0, 1, 2


class Encoder(nn.Module):
    def __init__(self, V, E, H):
        super().__init__()
        self.emb = nn.Embedding(V, E, padding_idx=PAD)
        self.rnn = nn.GRU(E, H, bidirectional=True, batch_first=True, num_layers=2, dropout=0.2)
        self.fc = nn.Linear(2 * H, H)

    def forward(self, src: torch.LongTensor, lens: list[int]) -> tuple[torch.Tensor, torch.Tensor]:
        p = pack_padded_sequence(self.emb(src), lens, batch_first=True, enforce_sorted=False)
        o, h = self.rnn(p)
        o, _ = pad_packed_sequence(o, batch_first=True, padding_value=0.0, total_length=src.size(1))
        return o, torch.tanh(self.fc(torch.cat((h[-2, :, :], h[-1, :, :]), dim=1)))


class Attention(nn.Module):
    def __init__(self, H):
        super().__init__()
        self.attn = nn.Linear(3 * H, H)
        self.v = nn.Parameter(torch.rand(H))

    def forward(self, hidden, enc, mask: torch.Tensor | None = None):
        h = hidden.unsqueeze(1).repeat(1, enc.shape[1], 1)
        e = torch.tanh(self.attn(torch.cat([h, enc], 2))).matmul(self.v)
        return F.softmax(e.masked_fill(mask == 0, -1e10), dim=1)


class Decoder(nn.Module):
    def __init__(self, V, E, H):
        super().__init__()
        self.V = V
        self.emb = nn.Embedding(V, E)
        self.att = Attention(H)
        self.cell = nn.GRUCell(E + 2 * H, H)
        self.out = nn.Linear(3 * H + E, V)

    def forward(self, y, s, enc, mask):
        e = self.emb(y)
        a = self.att(s, enc, mask)
        c = torch.bmm(a.unsqueeze(1), enc).squeeze(1)
        s = self.cell(torch.cat((e, c), -1), s)
        return self.out(torch.cat((s, c, e), dim=1)), s, a


class S2S(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = Encoder(14, 8, 16)
        self.decoder = Decoder(14, 8, 16)

    def forward(self, src, lens, trg, tf=0.5):
        B, T = trg.shape
        outs = torch.zeros(B, T, self.decoder.V)
        enc, s = self.encoder(src, lens)
        mask = src != PAD
        y = trg[:, 0]
        for t in range(1, T):
            o, s, _ = self.decoder(y, s, enc, mask)
            outs[:, t] = o
            y = trg[:, t] if random.random() < tf else o.argmax(1)
        return outs


def make(n):
    seqs = [
        torch.tensor([random.randint(3, 13) for _ in range(random.randint(2, 7))]) for _ in range(n)
    ]
    src = pad_sequence(seqs, batch_first=True, padding_value=PAD)
    trg = pad_sequence(
        [torch.cat([torch.tensor([BOS]), s.flip(0), torch.tensor([EOS])]) for s in seqs],
        batch_first=True,
    )
    return src, [len(s) for s in seqs], trg


m = S2S()
[nn.init.uniform_(p.data, -0.08, 0.08) for n, p in m.named_parameters()]
opt = torch.optim.Adam(m.parameters(), 5e-3)
crit = nn.CrossEntropyLoss(ignore_index=PAD)
for it in range(15):
    src, lens, trg = make(16)
    out = m(src, lens, trg)
    loss = crit(out[:, 1:].reshape(-1, 14), trg[:, 1:].reshape(-1))
    opt.zero_grad()
    loss.backward()
    n = torch.nn.utils.clip_grad_norm_(m.parameters(), 1)
    opt.step()
    print(f"{it:02d} | {loss.item():.7f} | {float(n):.6f}")
m.eval()
src, lens, trg = make(2)
with torch.no_grad():
    print(m(src, lens, trg, 0).argmax(-1).tolist(), m.encoder(src, lens)[1].sum())
print(m)
p = pack_sequence([torch.tensor([1.0, 2, 3]), torch.tensor([4.0, 5])])
print(p)
print(p.batch_sizes, p.data.dtype, p.sorted_indices)
print(pad_packed_sequence(p))
lstm = nn.LSTM(4, 5, 2, batch_first=True, bidirectional=True, proj_size=3)
o, (h, c) = lstm(torch.randn(2, 6, 4))
print(o.shape, h.shape, c.shape, o.sum().item(), lstm)
h0 = torch.zeros(4, 2, 3)
c0 = torch.zeros(4, 2, 5)
o2, _ = lstm(torch.ones(2, 3, 4), (h0, c0))
print(o2.sum())
