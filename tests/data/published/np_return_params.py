import numpy as np
np.random.seed(8)
hidden = np.random.randn(3, 4)
readout = np.random.randn(4, 1)
inputs = np.random.randn(6, 3)
targets = np.random.randn(6, 1)
n = 5
def gradients(hidden, readout):
    a = np.tanh(inputs @ hidden)
    pred = a @ readout
    err = np.mean((pred - targets) ** 2)
    gp = 2 * (pred - targets) / len(targets)
    return err, inputs.T @ (gp @ readout.T * (1 - a * a)), a.T @ gp
for step in range(n):
    err, g1, g2 = gradients(hidden, readout)
    hidden, readout = hidden - 0.1 * g1, readout - 0.1 * g2
