import torch
from torch import nn
torch.manual_seed(0)
class MatrixFactorization(nn.Module):
    def __init__(self, n_users, n_items, n_factors=3):
        super().__init__()
        self.user_factors = nn.Embedding(n_users, n_factors)
        self.item_factors = nn.Embedding(n_items, n_factors)
        self.user_biases = nn.Embedding(n_users, 1)
        nn.init.normal_(self.user_biases.weight, std=0.1)
    def forward(self, user, item):
        pred = (self.user_factors(user) * self.item_factors(item)).sum(dim=1, keepdim=True)
        pred += self.user_biases(user)
        return pred.squeeze()
m = MatrixFactorization(4, 5)
users = torch.LongTensor([0, 1, 3])
items = torch.LongTensor([2, 2, 4])
r = torch.FloatTensor([4.0, 3.0, 5.0])
loss = nn.functional.mse_loss(m(users, items), r)
loss.backward()
