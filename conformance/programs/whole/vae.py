import torch
from torch import Tensor, nn, optim
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset


class VAE(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(64, 32)
        self.fc21 = nn.Linear(32, 4)
        self.fc22 = nn.Linear(32, 4)
        self.fc3 = nn.Linear(4, 32)
        self.fc4 = nn.Linear(32, 64)

    def encode(self, x):
        h = F.relu(self.fc1(x))
        return self.fc21(h), self.fc22(h)

    def reparameterize(self, mu: Tensor, logvar: Tensor) -> Tensor:
        std = torch.exp(0.5 * logvar)
        eps = torch.randn_like(std)
        return mu + eps * std

    def decode(self, z):
        return torch.sigmoid(self.fc4(F.relu(self.fc3(z))))

    def forward(self, x):
        mu, lv = self.encode(x.view(-1, 64))
        z = self.reparameterize(mu, lv)
        return self.decode(z), mu, lv


def loss_fn(r, x, mu, lv):
    bce = F.binary_cross_entropy(r, x.view(-1, 64), reduction="sum")
    kld = -0.5 * torch.sum(1 + lv - mu.pow(2) - lv.exp())
    return bce + kld


torch.manual_seed(3)
X = (torch.rand(128, 1, 8, 8) > 0.6).float()
dl = DataLoader(TensorDataset(X), batch_size=32, shuffle=True)
m = VAE()
opt = optim.Adam(m.parameters(), lr=1e-3)
for ep in range(5):
    m.train()
    tot = 0
    for i, (x,) in enumerate(dl):
        opt.zero_grad()
        r, mu, lv = m(x)
        loss = loss_fn(r, x, mu, lv)
        loss.backward()
        tot += loss.item()
        opt.step()
    print(f"====> Epoch: {ep} Average loss: {tot / len(dl.dataset):.6f}")
m.eval()
with torch.no_grad():
    s = m.decode(torch.randn(2, 4)).view(2, 1, 8, 8)
    print(s.sum().item(), s)
# conv VAE with transposed conv, beta, KL per dimension
enc = nn.Sequential(
    nn.Conv2d(1, 8, 3, stride=2, padding=1),
    nn.LeakyReLU(0.2),
    nn.Conv2d(8, 16, 3, 2, 1),
    nn.LeakyReLU(0.2),
    nn.Flatten(),
    nn.Linear(64, 8),
)
dec = nn.Sequential(
    nn.Linear(4, 64),
    nn.Unflatten(1, (16, 2, 2)),
    nn.ConvTranspose2d(16, 8, 4, 2, 1),
    nn.ReLU(),
    nn.ConvTranspose2d(8, 1, 3, 2, 1, output_padding=1),
)
opt = optim.RMSprop(
    [*enc.parameters(), *dec.parameters()], lr=1e-3, alpha=0.9, centered=True, momentum=0.5
)
for it in range(10):
    mu, lv = enc(X).chunk(2, dim=1)
    z = mu + torch.randn_like(mu) * (0.5 * lv).exp()
    rec = F.binary_cross_entropy_with_logits(dec(z), X, reduction="none").flatten(1).sum(1)
    kl = 0.5 * (mu**2 + lv.exp() - lv - 1).sum(-1)
    loss = (rec + 2 * kl).mean()
    opt.zero_grad()
    loss.backward()
    opt.step()
    print(it, loss.item(), kl.mean().item())
