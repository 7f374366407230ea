import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.distributions import Categorical
torch.manual_seed(0)
policy = nn.Sequential(nn.Linear(4, 5), nn.ReLU(), nn.Linear(5, 2), nn.Softmax(dim=-1))
state = torch.randn(3, 4)
probs = policy(state)
m = Categorical(probs)
action = torch.tensor([0, 1, 1])
log_prob = m.log_prob(action)
R = torch.tensor([1.0, 0.5, -1.0])
loss = (-log_prob * R).sum()
loss.backward()
