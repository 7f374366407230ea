import torch
x = torch.tensor([-1.0, 1.5], requires_grad=True)
def rosen(v):
    return torch.sum(100.0 * (v[1:] - v[:-1] ** 2.0) ** 2.0 + (1 - v[:-1]) ** 2.0)
opt = torch.optim.LBFGS([x], max_iter=1)
def closure():
    opt.zero_grad()
    f = rosen(x)
    f.backward()
    return f
opt.step(closure)
