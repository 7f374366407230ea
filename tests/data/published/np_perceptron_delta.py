import numpy as np
rgen = np.random.RandomState(1)
X = np.array([[5.1, 1.4], [4.9, 1.5], [7.0, 4.7], [6.4, 4.5]])
X = (X - X.mean(axis=0)) / X.std(axis=0)
y = np.array([-1, -1, 1, 1])
w_ = rgen.normal(loc=0.0, scale=0.01, size=1 + X.shape[1])
eta = 0.01
n_iter = 15
cost_ = []
for i in range(n_iter):
    output = np.dot(X, w_[1:]) + w_[0]
    errors = (y - output)
    w_[1:] += eta * X.T.dot(errors)
    w_[0] += eta * errors.sum()
    cost = (errors ** 2).sum() / 2.0
    cost_.append(cost)
