import torch
import torch.nn as nn
import torch.nn.functional as F
import random
from collections import namedtuple, deque
torch.manual_seed(0)
Transition = namedtuple('Transition', ('state', 'action', 'next_state', 'reward'))
class ReplayMemory(object):
    def __init__(self, capacity):
        self.memory = deque([], maxlen=capacity)
    def push(self, *args):
        """Save a transition"""
        self.memory.append(Transition(*args))
    def __len__(self):
        return len(self.memory)
class DQN(nn.Module):
    def __init__(self, n_observations, n_actions):
        super(DQN, self).__init__()
        self.layer1 = nn.Linear(n_observations, 6)
        self.layer2 = nn.Linear(6, n_actions)
    def forward(self, x):
        return self.layer2(F.relu(self.layer1(x)))
policy_net = DQN(3, 2)
target_net = DQN(3, 2)
target_net.load_state_dict(policy_net.state_dict())
memory = ReplayMemory(10)
for i in range(3):
    memory.push(torch.randn(1, 3), torch.tensor([[i % 2]]), torch.randn(1, 3), torch.tensor([float(i)]))
transitions = list(memory.memory)
batch = Transition(*zip(*transitions))
state_batch = torch.cat(batch.state)
action_batch = torch.cat(batch.action)
reward_batch = torch.cat(batch.reward)
next_batch = torch.cat([s for s in batch.next_state if s is not None])
state_action_values = policy_net(state_batch).gather(1, action_batch)
with torch.no_grad():
    next_state_values = target_net(next_batch).max(1).values
expected = (next_state_values * 0.99) + reward_batch
criterion = nn.SmoothL1Loss()
loss = criterion(state_action_values, expected.unsqueeze(1))
loss.backward()
torch.nn.utils.clip_grad_value_(policy_net.parameters(), 100)
