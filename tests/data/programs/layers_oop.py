import numpy as np
from abc import ABC, abstractmethod
class Layer(ABC):
    @abstractmethod
    def forward(self, x): ...
    @abstractmethod
    def backward(self, grad): ...
class Dense(Layer):
    def __init__(self, n_in, n_out, rng):
        self.W = rng.standard_normal((n_in, n_out)) * np.sqrt(2.0 / n_in)
        self.b = np.zeros(n_out)
    def forward(self, x):
        self.x = x
        return x @ self.W + self.b
    def backward(self, grad):
        self.dW = self.x.T @ grad
        self.db = grad.sum(axis=0)
        return grad @ self.W.T
class ReLU(Layer):
    def forward(self, x):
        self.mask = x > 0
        return x * self.mask
    def backward(self, grad):
        return grad * self.mask
class SoftmaxCrossEntropy:
    def forward(self, logits, y):
        shifted = logits - logits.max(axis=1, keepdims=True)
        log_probs = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
        self.probs = np.exp(log_probs)
        self.y = y
        return -log_probs[np.arange(len(y)), y].mean()
    def backward(self):
        g = self.probs.copy()
        g[np.arange(len(self.y)), self.y] -= 1
        return g / len(self.y)
class MLP:
    def __init__(self, *layers):
        self.layers = layers
    def __call__(self, x):
        for layer in self.layers:
            x = layer.forward(x)
        return x
    def backward(self, grad):
        for layer in reversed(self.layers):
            grad = layer.backward(grad)
rng = np.random.default_rng(42)
net = MLP(Dense(3, 4, rng), ReLU(), Dense(4, 3, rng))
criterion = SoftmaxCrossEntropy()
X = rng.standard_normal((5, 3))
y = np.array([0, 1, 2, 1, 0])
loss = criterion.forward(net(X), y)
net.backward(criterion.backward())
print(f"loss={loss:.4f}")
