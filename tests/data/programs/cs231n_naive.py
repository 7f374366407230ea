import numpy as np
def softmax_loss_naive(W, X, y, reg):
    loss = 0.0
    dW = np.zeros_like(W)
    num_classes = W.shape[1]
    num_train = X.shape[0]
    for i in range(num_train):
        scores = X[i].dot(W)
        scores -= np.max(scores)
        exp_scores = np.exp(scores)
        p = exp_scores / np.sum(exp_scores)
        loss += -np.log(p[y[i]])
        for j in range(num_classes):
            if j == y[i]:
                dW[:, j] += (p[j] - 1) * X[i]
            else:
                dW[:, j] += p[j] * X[i]
    loss /= num_train
    dW /= num_train
    loss += 0.5 * reg * np.sum(W * W)
    dW += reg * W
    return loss, dW
W = np.array([[0.1, -0.2, 0.3], [0.4, 0.5, -0.6]])
X = np.array([[1., 2.], [3., -1.], [0.5, 0.5]])
y = np.array([0, 2, 1])
loss, grad = softmax_loss_naive(W, X, y, 1e-1)
