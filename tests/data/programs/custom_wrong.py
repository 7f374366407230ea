import torch
class MyReLU(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, slope=0.1):
        ctx.save_for_backward(x)
        ctx.slope = slope
        return torch.where(x > 0, x, slope * x)
    @staticmethod
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        gx = g.clone()
        gx[x < 0] *= ctx.slope
        return gx, None
x = torch.tensor([0.5, -2.0, 1.0], requires_grad=True)
(MyReLU.apply(x) ** 2).sum().backward()
