import torch
import torch.nn as nn
from torch.distributions import Categorical
torch.manual_seed(0)
class ActorCritic(nn.Module):
    def __init__(self, state_dim, action_dim):
        super().__init__()
        self.actor = nn.Sequential(nn.Linear(state_dim, 5), nn.Tanh(), nn.Linear(5, action_dim), nn.Softmax(dim=-1))
        self.critic = nn.Sequential(nn.Linear(state_dim, 5), nn.Tanh(), nn.Linear(5, 1))
    def forward(self):
        raise NotImplementedError
    def evaluate(self, state, action):
        action_probs = self.actor(state)
        dist = Categorical(action_probs)
        action_logprobs = dist.log_prob(action)
        dist_entropy = dist.entropy()
        state_values = self.critic(state)
        return action_logprobs, state_values, dist_entropy
policy = ActorCritic(3, 2)
old_states = torch.randn(5, 3)
old_actions = torch.tensor([0, 1, 1, 0, 1])
old_logprobs = torch.log(torch.tensor([0.5, 0.4, 0.7, 0.6, 0.45]))
rewards = []
discounted = 0
for r, done in zip(reversed([1., 0., 1., 1., 0.]), reversed([False, False, True, False, False])):
    if done:
        discounted = 0
    discounted = r + 0.99 * discounted
    rewards.insert(0, discounted)
rewards = torch.tensor(rewards, dtype=torch.float32)
rewards = (rewards - rewards.mean()) / (rewards.std() + 1e-7)
logprobs, state_values, dist_entropy = policy.evaluate(old_states, old_actions)
state_values = torch.squeeze(state_values)
ratios = torch.exp(logprobs - old_logprobs.detach())
advantages = rewards.detach() - state_values.detach()
surr1 = ratios * advantages
surr2 = torch.clamp(ratios, 1-0.2, 1+0.2) * advantages
loss = -torch.min(surr1, surr2) + 0.5 * nn.MSELoss()(state_values, rewards) - 0.01 * dist_entropy
loss.mean().backward()
