import torch
torch.manual_seed(0)
w = torch.randn(2, 2, requires_grad=True)
x = torch.randn(4, 2)
opt = torch.optim.SGD([w], lr=0.1, momentum=0.9)
sched = torch.optim.lr_scheduler.LambdaLR(opt, lambda e: 0.95 ** e)
for epoch in range(3):
    def closure():
        opt.zero_grad()
        loss = torch.norm(x @ w) ** 2
        loss.backward()
        return loss
    opt.step(closure)
    sched.step()
