import numpy as np
np.random.seed(12)
k = np.random.randn(3)
x = np.random.randn(10, 3)
t = x @ np.array([1.0, -2.0, 0.5])
vel = np.zeros(3)
mu = 0.9
num_epochs = 30
for e in range(num_epochs):
    r = x @ k - t
    L = (r ** 2).mean()
    dk = 2 * x.T @ r / len(t)
    vel = mu * vel - 0.01 * dk
    k += vel
