import torch
x = torch.tensor([0.5, -1.0, 2.0], requires_grad=True)
idx = [0, 1, 2]
idx.remove(1)
s = 0
for i, v in enumerate(x):
    if i not in idx: continue
    s += v ** (i + 2)
s.backward()
