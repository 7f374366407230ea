import numpy as np
class Var:
    def __init__(self, value, requires_grad=True, parents=()):
        self.value = np.asarray(value, dtype=float)
        self.requires_grad = requires_grad
        self.grad = None
        self.parents = parents
        self.back = None
    @staticmethod
    def lift(o):
        return o if isinstance(o, Var) else Var(o, requires_grad=False)
    def __add__(self, o):
        o = Var.lift(o)
        out = Var(self.value + o.value, parents=(self, o))
        out.back = lambda g: (unb(g, self.value), unb(g, o.value))
        return out
    def __mul__(self, o):
        o = Var.lift(o)
        out = Var(self.value * o.value, parents=(self, o))
        out.back = lambda g: (unb(g * o.value, self.value), unb(g * self.value, o.value))
        return out
    __rmul__ = __mul__
    __radd__ = __add__
    def __matmul__(self, o):
        out = Var(self.value @ o.value, parents=(self, o))
        out.back = lambda g: (g @ o.value.T, self.value.T @ g)
        return out
    def tanh(self):
        t = np.tanh(self.value)
        out = Var(t, parents=(self,))
        out.back = lambda g: (g * (1 - t ** 2),)
        return out
    def mean(self):
        out = Var(self.value.mean(), parents=(self,))
        out.back = lambda g: (np.full_like(self.value, g / self.value.size),)
        return out
    def backward(self):
        order, seen = [], set()
        def visit(v):
            if id(v) in seen: return
            seen.add(id(v))
            for p in v.parents: visit(p)
            order.append(v)
        visit(self)
        self.grad = np.ones_like(self.value)
        for v in reversed(order):
            if v.back is None: continue
            for p, g in zip(v.parents, v.back(v.grad)):
                p.grad = g if p.grad is None else p.grad + g
def unb(g, like):
    while g.ndim > like.ndim: g = g.sum(0)
    for ax, n in enumerate(like.shape):
        if n == 1 and g.shape[ax] != 1: g = g.sum(ax, keepdims=True)
    return g
X = Var([[1., 2.], [3., -1.], [0., 1.]], requires_grad=False)
W = Var([[0.5, -0.3], [0.2, 0.8]])
b = Var([[0.1, -0.1]])
h = (X @ W + b).tanh()
loss = (h * h * 2.0 + 3 * h).mean()
loss.backward()
print(loss.value, W.grad)
