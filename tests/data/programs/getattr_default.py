import torch
class C: pass
c = C()
c.scale = 3.0
x = torch.tensor([0.5, -1.0], requires_grad=True)
y = x * getattr(c, 'scale', 1.0) + x ** getattr(c, 'power', 2)
y.sum().backward()
