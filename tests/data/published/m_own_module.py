import random
class Scalar:
    def __init__(self, value, parents=()):
        self.value = value
        self.grad = 0.0
        self.parents = parents
        self.back = lambda: None
    @staticmethod
    def wrap(o):
        return o if isinstance(o, Scalar) else Scalar(o)
    def __add__(self, o):
        o = Scalar.wrap(o)
        r = Scalar(self.value + o.value, (self, o))
        def back():
            self.grad += r.grad; o.grad += r.grad
        r.back = back
        return r
    def __mul__(self, o):
        o = Scalar.wrap(o)
        r = Scalar(self.value * o.value, (self, o))
        def back():
            self.grad += o.value * r.grad; o.grad += self.value * r.grad
        r.back = back
        return r
    def relu(self):
        r = Scalar(max(0.0, self.value), (self,))
        def back():
            self.grad += (r.value > 0) * r.grad
        r.back = back
        return r
    __radd__ = __add__
    __rmul__ = __mul__
    def __neg__(self): return self * -1
    def __sub__(self, o): return self + (-Scalar.wrap(o))
    def backward(self):
        order, seen = [], set()
        def visit(n):
            if n not in seen:
                seen.add(n)
                for q in n.parents: visit(q)
                order.append(n)
        visit(self)
        self.grad = 1.0
        for n in reversed(order): n.back()
class Unit:
    def __init__(self, n):
        self.ws = [Scalar(random.uniform(-1, 1)) for _ in range(n)]
        self.bias = Scalar(0.0)
    def forward(self, xs):
        total = self.bias
        for w, x in zip(self.ws, xs):
            total = total + w * x
        return total.relu()
    def parameters(self):
        return self.ws + [self.bias]
class Net:
    def __init__(self):
        self.units = [Unit(2), Unit(2)]
        self.head = Unit(2)
    def __call__(self, xs):
        return self.head.forward([u.forward(xs) for u in self.units])
    def parameters(self):
        return [p for u in self.units + [self.head] for p in u.parameters()]
random.seed(5)
net = Net()
err = net([Scalar(1.0), Scalar(-0.5)]) - 2.0
loss = err * err
loss.backward()
for p in net.parameters():
    p.value -= 0.01 * p.grad
