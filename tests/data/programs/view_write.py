import numpy as np
a = np.array([[1., 2.], [3., 4.]])
row = a[0]
row[1] = 10.
w = np.array([0.5, -0.5])
loss = np.sum((a @ w) ** 2)
dw = 2 * a.T @ (a @ w)
