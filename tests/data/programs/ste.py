import torch
class STE(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return torch.sign(x)
    @staticmethod
    def backward(ctx, grad):
        return torch.clamp(grad, -1, 1)
w = torch.tensor([0.5, -0.2, 3.0], requires_grad=True)
x = torch.tensor([1., 2., -4.])
loss = (STE.apply(w) * x).sum() ** 2 + (w + (w.round() - w).detach()).pow(2).sum()
loss.backward()
