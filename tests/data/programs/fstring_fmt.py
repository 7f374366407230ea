import torch
p = {f'w{i:02d}': torch.tensor(float(i + 1), requires_grad=True) for i in range(3)}
y = p['w00'] * p['w01'] + p['w02'] ** 2
y.backward()
