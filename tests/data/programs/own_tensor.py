import numpy as np
class Tensor:
    def __init__(self, data, requires_grad=False, _children=(), _op=''):
        self.data = np.array(data, dtype=float)
        self.grad = np.zeros_like(self.data)
        self._backward = lambda: None
        self._prev = set(_children)
    def __add__(self, other):
        out = Tensor(self.data + other.data, _children=(self, other))
        def _backward():
            self.grad += out.grad
            other.grad += out.grad
        out._backward = _backward
        return out
    def __mul__(self, other):
        out = Tensor(self.data * other.data, _children=(self, other))
        def _backward():
            self.grad += other.data * out.grad
            other.grad += self.data * out.grad
        out._backward = _backward
        return out
    def __matmul__(self, other):
        out = Tensor(self.data @ other.data, _children=(self, other))
        def _backward():
            self.grad += out.grad @ other.data.T
            other.grad += self.data.T @ out.grad
        out._backward = _backward
        return out
    def relu(self):
        out = Tensor(np.maximum(0, self.data), _children=(self,))
        def _backward():
            self.grad += (out.data > 0) * out.grad
        out._backward = _backward
        return out
    def sum(self):
        out = Tensor(self.data.sum(), _children=(self,))
        def _backward():
            self.grad += np.ones_like(self.data) * out.grad
        out._backward = _backward
        return out
    def backward(self):
        topo, visited = [], set()
        def build(v):
            if id(v) not in visited:
                visited.add(id(v))
                for c in v._prev: build(c)
                topo.append(v)
        build(self)
        self.grad = np.ones_like(self.data)
        for v in reversed(topo): v._backward()
X = Tensor([[1., 2.], [3., -1.]])
W = Tensor([[0.5, -0.3], [0.2, 0.8]])
V = Tensor([[1.0], [-2.0]])
out = (X @ W).relu() @ V
loss = (out * out).sum()
loss.backward()
print(W.grad)
