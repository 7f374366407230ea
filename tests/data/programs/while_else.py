import torch
x = torch.tensor(1.5, requires_grad=True)
n = 0
y = x
while n < 3:
    y = y * x
    n += 1
else:
    y = y + x
for i in range(5):
    if i == 2:
        continue
    if i == 4:
        break
    y = y + i * x
y.backward()
