import torch
torch.manual_seed(0)
w = torch.randn(2, requires_grad=True)
b = torch.zeros(1, requires_grad=True)
def net(x, params): return x @ params[0] + params[1]
xs, ys = torch.randn(3, 2), torch.randn(3)
xq, yq = torch.randn(3, 2), torch.randn(3)
meta = 0
for k in range(2):
    fast = [w, b]
    for _ in range(2):
        inner = ((net(xs + k, fast) - ys) ** 2).mean()
        grads = torch.autograd.grad(inner, fast, create_graph=True)
        fast = [p - 0.1 * g for p, g in zip(fast, grads)]
    meta = meta + ((net(xq, fast) - yq) ** 2).mean()
meta.backward()
