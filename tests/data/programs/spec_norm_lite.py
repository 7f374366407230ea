import torch
x = torch.randn(3, generator=torch.Generator().manual_seed(1)).requires_grad_()
A = torch.tensor([[2., 1., 0.], [1., 3., 1.], [0., 1., 4.]])
v = torch.ones(3)
for _ in range(3):
    v = A @ v
    v = v / v.norm()
lam = v @ A @ v
loss = lam * x.pow(2).sum() + torch.linalg.solve(A, x).sum() + torch.trace(torch.outer(x, x) @ A) + torch.linalg.norm(x, ord=1)
loss.backward()
