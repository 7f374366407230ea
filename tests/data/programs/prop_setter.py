import torch
class Model:
    def __init__(self, w):
        self._w = w
        self.calls = 0
    @property
    def w(self):
        return self._w * 2
    @w.setter
    def w(self, value):
        self._w = value
    def __call__(self, x):
        self.calls += 1
        return self.w @ x + self.calls
w = torch.tensor([0.5, 1.0], requires_grad=True)
m = Model(w)
x = torch.tensor([1., -2.])
y = m(x) * m(x)
y.backward()
