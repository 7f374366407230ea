import torch
import torch.nn as nn
import torch.nn.functional as F
torch.manual_seed(0)
class GATLayer(nn.Module):
    def __init__(self, i, o, alpha=0.2):
        super().__init__()
        self.W = nn.Parameter(torch.empty(size=(i, o)))
        nn.init.xavier_uniform_(self.W.data, gain=1.414)
        self.a = nn.Parameter(torch.empty(size=(2 * o, 1)))
        nn.init.xavier_uniform_(self.a.data, gain=1.414)
        self.leakyrelu = nn.LeakyReLU(alpha)
        self.o = o
    def forward(self, h, adj):
        Wh = torch.mm(h, self.W)
        Wh1 = torch.matmul(Wh, self.a[:self.o, :])
        Wh2 = torch.matmul(Wh, self.a[self.o:, :])
        e = self.leakyrelu(Wh1 + Wh2.T)
        zero_vec = -9e15 * torch.ones_like(e)
        attention = torch.where(adj > 0, e, zero_vec)
        attention = F.softmax(attention, dim=1)
        return F.elu(torch.matmul(attention, Wh))
adj = torch.tensor([[1., 1., 0.], [1., 1., 1.], [0., 1., 1.]])
g = GATLayer(2, 3)
y = g(torch.randn(3, 2), adj)
y.pow(2).sum().backward()
