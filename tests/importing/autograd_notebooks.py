"""Notebooks in the style of PyTorch's own tutorials on autograd, cell by cell, and the gradients that PyTorch gives.

They are what the importer meets: several exercises in a file, names used again, prints, plots, magics, hooks, seeds.
`test_autograd_notebooks.py` imports them; with PyTorch at hand it runs them, too.
"""

from __future__ import annotations

from collections.abc import Mapping

CELLS: Mapping[str, tuple[str, ...]] = {
    "fundamentals": (
        """
%matplotlib inline
import torch
import matplotlib.pyplot as plt
import matplotlib.ticker as ticker
import math
""",
        """
a = torch.linspace(0., 2. * math.pi, steps=25, requires_grad=True)
print(a)
""",
        """
b = torch.sin(a)
plt.plot(a.detach(), b.detach())
""",
        """
print(b)
c = 2 * b
print(c)
d = c + 1
out = d.sum()
print(out)
print('d:')
print(d.grad_fn)
print(d.grad_fn.next_functions)
print(d.grad_fn.next_functions[0][0].next_functions[0][0].next_functions)
print(a.grad_fn)
""",
        """
out.backward()
print(a.grad)
plt.plot(a.detach(), a.grad.detach())
""",
        """
BATCH_SIZE = 4
DIM_IN = 6
HIDDEN_SIZE = 5
DIM_OUT = 3

class TinyModel(torch.nn.Module):

    def __init__(self):
        super(TinyModel, self).__init__()
        self.layer1 = torch.nn.Linear(DIM_IN, HIDDEN_SIZE)
        self.relu = torch.nn.ReLU()
        self.layer2 = torch.nn.Linear(HIDDEN_SIZE, DIM_OUT)

    def forward(self, x):
        x = self.layer1(x)
        x = self.relu(x)
        x = self.layer2(x)
        return x

torch.manual_seed(7)
some_input = torch.randn(BATCH_SIZE, DIM_IN, requires_grad=False)
ideal_output = torch.randn(BATCH_SIZE, DIM_OUT, requires_grad=False)
model = TinyModel()
print(model.layer2.weight[0][0:3])
print(model.layer2.weight.grad)
""",
        """
optimizer = torch.optim.SGD(model.parameters(), lr=0.001)
prediction = model(some_input)
loss = (ideal_output - prediction).pow(2).sum()
print(loss)
loss.backward()
print(model.layer2.weight.grad[0][0:3])
optimizer.step()
optimizer.zero_grad()
""",
        """
a = torch.ones(2, 3, requires_grad=True)
b1 = 2 * a
a.requires_grad = False
b2 = 2 * a
print(b2)
a = torch.ones(2, 3, requires_grad=True) * 2
b = torch.ones(2, 3, requires_grad=True) * 3
c1 = a + b
with torch.no_grad():
    c2 = a + b
print(c2)

def add_tensors1(x, y):
    return x + y

@torch.no_grad()
def add_tensors2(x, y):
    return x + y

c1 = add_tensors1(a, b)
c2 = add_tensors2(a, b)
x = torch.rand(5, requires_grad=True)
y = x.detach()
print(x)
print(y)
""",
        """
x = torch.ones(2, 2, requires_grad=True)
y = x + 2
z = y * y * 3
out = z.mean()
""",
        """
out.backward()
x.grad
""",
        """
x = torch.tensor([-1.1258, -1.1524, -0.2506], requires_grad=True)
y = x * 2
while y.data.norm() < 1000:
    y = y * 2
print(y)
""",
        """
v = torch.tensor([0.1, 1.0, 0.0001], dtype=torch.float)
y.backward(v)
print(x.grad)
""",
        """
def exp_adder(x, y):
    return 2 * x.exp() + 3 * y

inputs = (torch.rand(1), torch.rand(1))
torch.autograd.functional.jacobian(exp_adder, inputs)
""",
    ),
    "leaves": (
        """
import torch
import torch.nn.functional as F
""",
        """
x = torch.ones(1, 3)                      # input with shape: (1, 3)
W = torch.ones(3, 2, requires_grad=True)  # weights with shape: (3, 2)
b = torch.ones(1, 2, requires_grad=True)  # bias with shape: (1, 2)
y = torch.ones(1, 2)                      # output with shape: (1, 2)

z = (x @ W) + b
y_pred = F.relu(z)
loss = F.mse_loss(y_pred, y)
""",
        """
print(f"{x.is_leaf=}")
print(f"{z.is_leaf=}")
print(f"{x.requires_grad=} {W.requires_grad=} {z.requires_grad=}")
assert W.is_leaf and not z.is_leaf
""",
        """
loss.backward()
print(f"{W.grad=}")
print(f"{b.grad=}")
print(f"{z.grad=}")
""",
        """
z = (x @ W) + b
y_pred = F.relu(z)
loss = F.mse_loss(y_pred, y)
z.retain_grad()
y_pred.retain_grad()
loss.retain_grad()
W.grad = None
b.grad = None
loss.backward()
print(f"{W.grad=}")
print(f"{z.grad=}")
""",
    ),
    "gentle": (
        """
import torch
a = torch.tensor([2., 3.], requires_grad=True)
b = torch.tensor([6., 4.], requires_grad=True)
""",
        """
Q = 3*a**3 - b**2
""",
        """
external_grad = torch.tensor([1., 1.])
Q.backward(gradient=external_grad)
""",
        """
# check if collected gradients are correct
print(9*a**2 == a.grad)
print(-2*b == b.grad)
assert torch.allclose(9*a**2, a.grad)
""",
        """
x = torch.rand(5, 5)
y = torch.rand(5, 5)
z = torch.rand((5, 5), requires_grad=True)
a = x + y
print(f"Does `a` require gradients?: {a.requires_grad}")
b = x + z
print(f"Does `b` require gradients?: {b.requires_grad}")
""",
    ),
    "quickstart": (
        """
import torch

x = torch.ones(5)  # input tensor
y = torch.zeros(3)  # expected output
torch.manual_seed(3)
w = torch.randn(5, 3, requires_grad=True)
b = torch.randn(3, requires_grad=True)
z = torch.matmul(x, w)+b
loss = torch.nn.functional.binary_cross_entropy_with_logits(z, y)
""",
        """
print(f"Gradient function for z = {z.grad_fn}")
print(f"Gradient function for loss = {loss.grad_fn}")
""",
        """
loss.backward()
print(w.grad)
print(b.grad)
""",
        """
z = torch.matmul(x, w)+b
print(z.requires_grad)
with torch.no_grad():
    z = torch.matmul(x, w)+b
print(z.requires_grad)
z_det = z.detach()
""",
        """
inp = torch.eye(4, 5, requires_grad=True)
out = (inp+1).pow(2).t()
out.backward(torch.ones_like(out), retain_graph=True)
print(f"First call\\n{inp.grad}")
out.backward(torch.ones_like(out), retain_graph=True)
print(f"\\nSecond call\\n{inp.grad}")
inp.grad.zero_()
out.backward(torch.ones_like(out), retain_graph=True)
print(f"\\nCall after zeroing gradients\\n{inp.grad}")
""",
    ),
    "hooks": (
        """
import torch
v = torch.tensor([0., 0., 0.], requires_grad=True)
h = v.register_hook(lambda grad: grad * 2)  # double the gradient
v.backward(torch.tensor([1., 2., 3.]))
print(v.grad)
h.remove()
""",
        """
a = torch.tensor([1.0, -2.0], requires_grad=True)
b = a * 3
b.register_hook(lambda g: g.clamp(-0.5, 0.5))
c = (b ** 2).sum()
c.backward()
a.grad
""",
        """
saved = []
def save(g):
    saved.append(g)
def scale(g):
    return 0.1 * g

w = torch.tensor(0.5, requires_grad=True)
u = torch.sigmoid(w)
u.register_hook(save)
t = u * u
t.register_hook(scale)
t.backward()
print(saved, w.grad)
""",
    ),
    "handles": (
        """
import torch
v = torch.tensor([1., 2.], requires_grad=True)
y = v * 3

def without_first(g):
    g2 = g.clone()
    g2[0] = 0
    return g2

double = y.register_hook(lambda grad: grad * 2)
cut = y.register_hook(without_first)
y.sum().backward()
v.grad
""",
        """
cut.remove()
v.grad = None
w = (v * 3) ** 2
handle = w.register_hook(lambda g: g + 1)
out = w.sum()
out.backward(retain_graph=True)
handle.remove()
v.grad.zero_()
out.backward()
print(v.grad)
""",
    ),
    "graph": (
        """
'Computational graph'
import torch
from torch.autograd import grad

x = torch.tensor(2.0, requires_grad=True)
y = torch.tensor(-1.0, requires_grad=True)
def f(x, y):
    p = x * y
    s = torch.sin(p) + x
    return s
s = f(x, y)
gx, gy = grad(s, (x, y))
print(f'ds/dx = {gx.item():.4f}, ds/dy = {gy.item():.4f}')
assert abs(gx.item() - (y * torch.cos(x * y) + 1).item()) < 1e-6
""",
        """
# the same node twice
g = x**2
h = g + g * x
torch.autograd.grad(h, x)
""",
        """
z = torch.stack([x, y, x * y])
n = z.norm()
n.backward()
x.grad, y.grad
""",
    ),
    "optimizers": (
        """
import numpy as np
import torch
from torch import nn, optim
%config InlineBackend.figure_format = 'retina'
!nvidia-smi
""",
        """
X = torch.from_numpy(np.array([[0.5, -1.0], [1.5, 2.0], [-0.3, 0.8]], dtype=np.float32))
t = torch.tensor([0, 1, 1])
torch.manual_seed(0)
net = nn.Sequential(
    nn.Linear(2, 4),
    nn.Tanh(),
    nn.Linear(4, 2),
)
criterion = nn.CrossEntropyLoss()
opt = optim.Adam(net.parameters(), lr=1e-2)
losses = []
""",
        """
for epoch in range(10):
    opt.zero_grad()
    out = net(X)
    loss = criterion(out, t)
    loss.backward()
    opt.step()
    losses.append(loss.item())
    if epoch % 5 == 0:
        print(f"epoch {epoch}: loss {loss.item():.3f}")
""",
        """
import matplotlib.pyplot as plt
fig, ax = plt.subplots(figsize=(4, 3))
ax.plot(losses)
ax.set_xlabel("epoch")
plt.show()
with torch.no_grad():
    accuracy = (net(X).argmax(dim=1) == t).float().mean()
print(accuracy)
""",
    ),
    "custom": (
        """
import torch
import math

class LegendrePolynomial3(torch.autograd.Function):
    'P3(x) = (5 x^3 - 3 x) / 2.'

    @staticmethod
    def forward(ctx, input):
        ctx.save_for_backward(input)
        return 0.5 * (5 * input ** 3 - 3 * input)

    @staticmethod
    def backward(ctx, grad_output):
        input, = ctx.saved_tensors
        return grad_output * 1.5 * (5 * input ** 2 - 1)
""",
        """
dtype = torch.float
device = torch.device("cpu")
x = torch.linspace(-math.pi, math.pi, 20, device=device, dtype=dtype)
y = torch.sin(x)
a = torch.full((), 0.0, device=device, dtype=dtype, requires_grad=True)
b = torch.full((), -1.0, device=device, dtype=dtype, requires_grad=True)
c = torch.full((), 0.0, device=device, dtype=dtype, requires_grad=True)
d = torch.full((), 0.3, device=device, dtype=dtype, requires_grad=True)
learning_rate = 5e-6
for t in range(2000):
    P3 = LegendrePolynomial3.apply
    y_pred = a + b * P3(c + d * x)
    loss = (y_pred - y).pow(2).sum()
    if t % 100 == 99:
        print(t, loss.item())
    loss.backward()
    with torch.no_grad():
        a -= learning_rate * a.grad
        b -= learning_rate * b.grad
        c -= learning_rate * c.grad
        d -= learning_rate * d.grad
        a.grad = None
        b.grad = None
        c.grad = None
        d.grad = None
print(f'Result: y = {a.item()} + {b.item()} * P3({c.item()} + {d.item()} x)')
""",
    ),
    "recurrent": (
        """
import torch
from torch import nn
torch.manual_seed(5)
lstm = nn.LSTM(3, 4, batch_first=True)
fc = nn.Linear(4, 2)
x = torch.randn(2, 5, 3)
out, (h, c) = lstm(x)
loss = nn.functional.mse_loss(fc(out[:, -1]), torch.zeros(2, 2))
loss.backward()
print(loss.item())
""",
    ),
    "convolution": (
        """
import torch
from torch import nn
torch.manual_seed(2)
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 2, 3, padding=1)
        self.bn = nn.BatchNorm2d(2)
        self.fc = nn.Linear(2 * 2 * 2, 3)
    def forward(self, x):
        x = torch.max_pool2d(torch.relu(self.bn(self.conv1(x))), 2)
        x = torch.flatten(x, 1)
        return self.fc(x)
net = Net()
x = torch.rand(2, 1, 4, 4)
loss = nn.CrossEntropyLoss()(net(x), torch.tensor([0, 2]))
loss.backward()
print(loss.item())
""",
    ),
}

Gradients = tuple[dict[str, list[float]], ...]
GRADIENTS: Mapping[str, Gradients] = {
    "fundamentals": (
        {"a": [2.0, 1.9319, 1.7321, 1.4142, 1.0]},
        {
            "layer2_weight": [0.0665, -1.9303, 0.0, -5.886, -2.07],
            "layer1_weight": [2.4347, -0.435, -2.6015, -2.0693, -2.2229],
            "layer1_bias": [-0.4298, 3.1341, 0.0, 3.4541, 0.4723],
            "layer2_bias": [-10.6826, -3.3521, -1.5223],
        },
        {"x": [4.5, 4.5, 4.5, 4.5]},
        {"x": [102.4, 1024.0, 0.1024]},
    ),
    "leaves": (
        {"W": [3.0, 3.0, 3.0, 3.0, 3.0], "b": [3.0, 3.0]},
        {"W": [3.0, 3.0, 3.0, 3.0, 3.0], "b": [3.0, 3.0]},
    ),
    "gentle": ({"a": [36.0, 81.0], "b": [-12.0, -8.0]},),
    "quickstart": (
        {"w": [0.2122, 0.3172, 0.1466, 0.2122, 0.3172], "b": [0.2122, 0.3172, 0.1466]},
        {"inp": [8.0, 4.0, 4.0, 4.0, 4.0]},
        {"inp": [4.0, 2.0, 2.0, 2.0, 2.0]},
    ),
    "hooks": (
        {"v": [2.0, 4.0, 6.0]},
        {"a": [1.5, -1.5]},
        {"w": [0.0293]},
    ),
    "graph": (
        {"x": [1.4161], "y": [-0.8323]},
        {"x": [16.0]},
        {"x": [1.3333], "y": [-1.6667]},
    ),
    "optimizers": (
        {
            "net_0_weight": [-0.031, -0.3369, 0.0607, -0.2051, 0.0171],
            "net_0_bias": [-0.0556, 0.0037, 0.0208, 0.0193],
            "net_2_weight": [0.2221, -0.251, 0.0598, 0.2957, -0.2221],
            "net_2_bias": [0.1177, -0.1177],
        },
    ),
    "custom": ({"a": [0.0], "b": [1.976], "c": [0.0], "d": [88.9751]},),
    "recurrent": (
        {
            "lstm_weight_ih_l0": [-0.0004, 0.0001, 0.0005, -0.0025, 0.0076],
            "lstm_weight_hh_l0": [0.0, 0.0002, -0.0002, 0.0001, 0.0007],
            "lstm_bias_ih_l0": [-0.0008, 0.0093, -0.0101, -0.0013, -0.0001],
            "lstm_bias_hh_l0": [-0.0008, 0.0093, -0.0101, -0.0013, -0.0001],
            "fc_weight": [-0.0001, 0.0183, -0.0113, 0.0049, 0.001],
            "fc_bias": [-0.0399, 0.2376],
        },
    ),
    "convolution": (
        {
            "conv1_weight": [0.2751, 0.3384, 0.3039, 0.579, -0.0496],
            "conv1_bias": [0.0, 0.0],
            "bn_weight": [-0.3889, 0.1483],
            "bn_bias": [-0.1762, 0.0509],
            "fc_weight": [-0.0158, 0.0301, -0.1808, -0.2833, -0.2029],
            "fc_bias": [-0.1179, 0.2982, -0.1803],
        },
    ),
    "handles": ({"v": [0.0, 6.0]}, {"v": [36.0, 72.0]}, {"v": [18.0, 36.0]}),
}
"""Of each backward pass, the first five entries of each leaf's gradient, to four places, as PyTorch gives them."""
