"""specs/two_layer.yaml in PyTorch: the same values and gradients, printed. What whole processes are compared with."""

import torch

x = torch.tensor([[1.0]], dtype=torch.float64)
y = torch.tensor([[1.0], [0.0]], dtype=torch.float64)
w1 = torch.tensor([[1.0], [2.0]], dtype=torch.float64, requires_grad=True)
w2 = torch.tensor([[3.0, 4.0], [5.0, 6.0]], dtype=torch.float64, requires_grad=True)

z_1 = w1 @ x
y_1 = torch.sigmoid(z_1)
z_2 = w2 @ y_1
y_2 = torch.sigmoid(z_2)
loss = 0.5 * ((y_2 - y) ** 2).sum()

named = {"w1": w1, "w2": w2, "z_1": z_1, "y_1": y_1, "z_2": z_2, "y_2": y_2, "loss": loss}
for tensor in named.values():
    tensor.retain_grad()
loss.backward()
for name, tensor in named.items():
    print(name, tensor.tolist(), tensor.grad.tolist())
