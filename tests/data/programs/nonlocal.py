import torch
def outer(x):
    total = torch.zeros(())
    count = 0
    def add(v):
        nonlocal total, count
        total = total + v ** 2
        count += 1
        return count
    for v in x:
        add(v)
    return total / count
x = torch.tensor([1., 2., -3.], requires_grad=True)
outer(x).backward()
