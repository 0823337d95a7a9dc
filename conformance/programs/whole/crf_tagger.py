import torch
import torch.nn as nn
import torch.optim as optim

torch.manual_seed(1)


class CRF(nn.Module):
    def __init__(self, n):
        super().__init__()
        self.n = n
        self.transitions = nn.Parameter(torch.randn(n, n))
        self.start = nn.Parameter(torch.empty(n))
        self.end = nn.Parameter(torch.empty(n))
        nn.init.uniform_(self.start, -0.1, 0.1)
        nn.init.uniform_(self.end, -0.1, 0.1)

    def score(self, e, tags, mask):
        B, T, n = e.shape
        s = self.start[tags[:, 0]] + e[:, 0].gather(1, tags[:, :1]).squeeze(1)
        for t in range(1, T):
            s = (
                s
                + (
                    self.transitions[tags[:, t - 1], tags[:, t]]
                    + e[:, t].gather(1, tags[:, t].unsqueeze(1)).squeeze(1)
                )
                * mask[:, t]
            )
        last = mask.long().sum(1) - 1
        return s + self.end[tags.gather(1, last.unsqueeze(1)).squeeze(1)]

    def partition(self, e, mask):
        a = self.start + e[:, 0]
        for t in range(1, e.size(1)):
            nxt = torch.logsumexp(a.unsqueeze(2) + self.transitions + e[:, t].unsqueeze(1), dim=1)
            a = torch.where(mask[:, t].unsqueeze(1).bool(), nxt, a)
        return torch.logsumexp(a + self.end, dim=1)

    @torch.no_grad()
    def viterbi(self, e, mask):
        s = self.start + e[:, 0]
        back = []
        for t in range(1, e.size(1)):
            v, i = (s.unsqueeze(2) + self.transitions + e[:, t].unsqueeze(1)).max(dim=1)
            s = torch.where(mask[:, t, None] > 0, v, s)
            back.append(i)
        s = s + self.end
        out = []
        for b in range(e.size(0)):
            L = int(mask[b].sum())
            _, k = s[b].max(dim=0)
            path = [k.item()]
            for i in reversed(back[: L - 1]):
                k = i[b][k]
                path.append(k.item())
            out.append(path[::-1])
        return out


class Tagger(nn.Module):
    def __init__(self):
        super().__init__()
        self.emb = nn.Embedding(20, 10)
        self.lstm = nn.LSTM(10, 8, num_layers=1, bidirectional=True, batch_first=True)
        self.fc = nn.Linear(16, 5)
        self.crf = CRF(5)
        self.drop = nn.Dropout2d(0.1)

    def emis(self, x, lens):
        p = nn.utils.rnn.pack_padded_sequence(
            self.emb(x), lens.cpu(), batch_first=True, enforce_sorted=False
        )
        h, _ = self.lstm(p)
        h, _ = nn.utils.rnn.pad_packed_sequence(h, batch_first=True)
        return self.fc(h)

    def loss(self, x, y, lens):
        e = self.emis(x, lens)
        m = (torch.arange(e.size(1)) < lens.view(-1, 1)).float()
        y = y[:, : e.size(1)]
        return (self.crf.partition(e, m) - self.crf.score(e, y, m)).mean()


m = Tagger()
opt = optim.SGD(m.parameters(), lr=0.1, weight_decay=1e-4, momentum=0.9, dampening=0.1)
sch = optim.lr_scheduler.ReduceLROnPlateau(opt, "min", factor=0.5, patience=1)
for it in range(15):
    lens = torch.randint(2, 9, (8,))
    x = torch.randint(0, 20, (8, 8))
    y = x % 5
    l = m.loss(x, y, lens)
    opt.zero_grad()
    l.backward()
    nn.utils.clip_grad_value_(m.parameters(), 0.5)
    opt.step()
    sch.step(l)
    print(it, l.item(), opt.param_groups[0]["lr"])
e = m.emis(x, lens)
msk = (torch.arange(e.size(1)) < lens.view(-1, 1)).float()
print(m.crf.viterbi(e, msk))
print(sch.state_dict())
