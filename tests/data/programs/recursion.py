import torch
def horner(cs, x):
    if len(cs) == 1:
        return cs[0]
    return cs[0] + x * horner(cs[1:], x)
cs = torch.tensor([1., -2., 0.5], requires_grad=True)
x = torch.tensor(1.7, requires_grad=True)
horner(cs, x).backward()
