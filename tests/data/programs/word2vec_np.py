import numpy as np
from collections import Counter
corpus = "the quick brown fox jumps over the lazy dog".split()
vocab = sorted(set(corpus))
w2i = {w: i for i, w in enumerate(vocab)}
np.random.seed(2)
V, D = len(vocab), 3
W_in = np.random.uniform(-.5, .5, (V, D))
W_out = np.random.uniform(-.5, .5, (V, D))
pairs = [(w2i[corpus[i]], w2i[corpus[j]]) for i in range(len(corpus)) for j in range(max(0, i - 1), min(len(corpus), i + 2)) if i != j]
loss = 0
for c, o in pairs[:4]:
    v = W_in[c]
    u = W_out @ v
    p = np.exp(u - u.max())
    p /= p.sum()
    loss -= np.log(p[o])
dW_in, dW_out = np.zeros_like(W_in), np.zeros_like(W_out)
for c, o in pairs[:4]:
    v = W_in[c]
    u = W_out @ v
    p = np.exp(u) / np.exp(u).sum()
    e = p.copy()
    e[o] -= 1
    dW_in[c] += W_out.T @ e
    dW_out += np.outer(e, v)
