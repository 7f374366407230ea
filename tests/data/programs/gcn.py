import torch
import torch.nn as nn
import torch.nn.functional as F
torch.manual_seed(0)
class GCNLayer(nn.Module):
    def __init__(self, in_f, out_f):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(in_f, out_f))
        self.bias = nn.Parameter(torch.zeros(out_f))
        nn.init.xavier_uniform_(self.weight)
    def forward(self, x, adj):
        return torch.sparse.mm(adj, x @ self.weight) + self.bias if adj.is_sparse else adj @ (x @ self.weight) + self.bias
def normalize(adj):
    adj = adj + torch.eye(adj.size(0))
    d = adj.sum(1)
    d_inv = d.pow(-0.5)
    d_inv[torch.isinf(d_inv)] = 0.
    return torch.diag(d_inv) @ adj @ torch.diag(d_inv)
edges = [(0, 1), (1, 2), (2, 3), (0, 3)]
A = torch.zeros(4, 4)
for i, j in edges:
    A[i, j] = A[j, i] = 1
A_hat = normalize(A)
X = torch.eye(4)
l1, l2 = GCNLayer(4, 3), GCNLayer(3, 2)
out = l2(F.relu(l1(X, A_hat)), A_hat)
train_mask = torch.tensor([True, False, False, True])
labels = torch.tensor([0, 1, 1, 1])
loss = F.cross_entropy(out[train_mask], labels[train_mask])
loss.backward()
