from collections.abc import Callable

import torch
import torch.nn as nn
from torch.optim.swa_utils import (
    SWALR,
    AveragedModel,
    get_ema_multi_avg_fn,
    update_bn,
)
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)


def conv3x3(i, o, stride=1):
    return nn.Conv2d(i, o, kernel_size=3, stride=stride, padding=1, bias=False)


class BasicBlock(nn.Module):
    expansion: int = 1

    def __init__(
        self, i, p, stride=1, downsample=None, norm: Callable[..., nn.Module] = nn.BatchNorm2d
    ):
        super().__init__()
        self.conv1 = conv3x3(i, p, stride)
        self.bn1 = norm(p)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = conv3x3(p, p)
        self.bn2 = norm(p)
        self.downsample = downsample

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        identity = x
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        if self.downsample is not None:
            identity = self.downsample(x)
        out += identity
        return self.relu(out)


class ResNet(nn.Module):
    def __init__(self, layers):
        super().__init__()
        self.inplanes = 8
        self.conv1 = nn.Conv2d(3, 8, 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(8)
        self.relu = nn.ReLU(True)
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        self.layer1 = self._make(8, layers[0])
        self.layer2 = self._make(16, layers[1], 2)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(16, 5)
        for m in self.modules():
            if isinstance(m, nn.Conv2d):
                nn.init.kaiming_normal_(m.weight, mode="fan_out", nonlinearity="relu")
            elif isinstance(m, nn.BatchNorm2d):
                nn.init.ones_(m.weight)
                nn.init.zeros_(m.bias)
        for m in self.modules():
            if isinstance(m, BasicBlock) and m.bn2.weight is not None:
                nn.init.constant_(m.bn2.weight, 0)

    def _make(self, p, n, stride=1):
        d = None
        if stride != 1 or self.inplanes != p:
            d = nn.Sequential(nn.Conv2d(self.inplanes, p, 1, stride, bias=False), nn.BatchNorm2d(p))
        l = [BasicBlock(self.inplanes, p, stride, d)]
        self.inplanes = p
        l += [BasicBlock(p, p) for _ in range(1, n)]
        return nn.Sequential(*l)

    def forward(self, x):
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        return self.fc(torch.flatten(self.avgpool(self.layer2(self.layer1(x))), 1))


m = ResNet([1, 2])
print(m)
X, Y = torch.randn(64, 3, 20, 20), torch.randint(5, (64,))
dl = DataLoader(TensorDataset(X, Y), 16, shuffle=True)
opt = torch.optim.SGD(m.parameters(), 0.1, momentum=0.9, weight_decay=1e-4)
sch = torch.optim.lr_scheduler.MultiStepLR(opt, [1, 2], 0.1)
swa = AveragedModel(m)
ema = AveragedModel(m, multi_avg_fn=get_ema_multi_avg_fn(0.9), use_buffers=True)
swas = SWALR(opt, swa_lr=0.02, anneal_epochs=2)
for ep in range(4):
    m.train()
    for x, y in dl:
        l = nn.functional.cross_entropy(m(x), y)
        opt.zero_grad()
        l.backward()
        opt.step()
        ema.update_parameters(m)
    if ep >= 2:
        swa.update_parameters(m)
        swas.step()
    else:
        sch.step()
    print(ep, l.item(), opt.param_groups[0]["lr"])
update_bn(dl, swa)
swa.eval()
ema.eval()
m.eval()
with torch.no_grad():
    print(
        swa(X[:4]).sum().item(),
        ema(X[:4]).sum().item(),
        m(X[:4]).sum().item(),
        swa.n_averaged,
        m.bn1.running_mean,
        m.bn1.num_batches_tracked,
    )
print(list(swa.state_dict())[:3], len(ema.state_dict()))
from torch.nn.utils.fusion import fuse_conv_bn_eval

f = fuse_conv_bn_eval(m.conv1, m.bn1)
print(torch.allclose(f(X), m.bn1(m.conv1(X)), atol=1e-5), f)
for p in m.parameters():
    p.requires_grad = False
m.fc = nn.Linear(m.fc.in_features, 7)
print([n for n, p in m.named_parameters() if p.requires_grad])
opt = torch.optim.SGD(filter(lambda p: p.requires_grad, m.parameters()), lr=0.1)
m2 = ResNet([1, 2])
try:
    m2.load_state_dict(m.state_dict())
except RuntimeError as e:
    print(e)
sd = {k: v for k, v in m.state_dict().items() if not k.startswith("fc.")}
sd["junk"] = torch.ones(1)
r = m2.load_state_dict(sd, strict=False)
print(r, r.missing_keys)
print(nn.Sequential(*list(m.children())[:-1])(X[:2]).shape)
