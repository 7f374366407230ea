import numpy as np
# No training: an Euler integration that must be unrolled
y = np.array([1.0, 0.5])
A = np.array([[0.0, 1.0], [-1.0, -0.1]])
dt = 0.1
traj = []
for i in range(5):
    y = y + dt * (A @ y)
    traj.append(y)
loss = np.sum(y ** 2)
M = np.linalg.matrix_power(np.eye(2) + dt * A, 5)
dy0 = 2 * M.T @ y
