import numpy as np
x = np.array([1., 2.])
w = np.array([0.3, 0.4])
h = x
h += 1
loss = np.sum(x * w)
dw = x
