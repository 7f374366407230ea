import torch
import torch.nn as nn
torch.manual_seed(5)
def init_weights(m):
    if type(m) == nn.Linear:
        nn.init.kaiming_uniform_(m.weight, nonlinearity='relu')
        m.bias.data.fill_(0.01)
net = nn.Sequential(nn.Linear(4, 5), nn.ReLU(), nn.Linear(5, 2))
net.apply(init_weights)
net2 = nn.Sequential(nn.Linear(4, 5), nn.ReLU(), nn.Linear(5, 2))
net2.load_state_dict(net.state_dict())
for p in net2.parameters():
    p.requires_grad = False
x = torch.randn(3, 4)
loss = ((net(x) - 2 * net2(x)) ** 2).mean()
loss.backward()
