import torch
import torch.nn as nn
import torch.nn.functional as F
torch.manual_seed(4)
teacher = nn.Sequential(nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 3)).eval()
student = nn.Linear(4, 3)
x, labels = torch.randn(5, 4), torch.tensor([0, 1, 2, 1, 0])
T, alpha = 4.0, 0.7
with torch.no_grad():
    t_logits = teacher(x)
s_logits = student(x)
soft = F.kl_div(F.log_softmax(s_logits / T, dim=1), F.softmax(t_logits / T, dim=1), reduction='batchmean') * T * T
hard = F.cross_entropy(s_logits, labels, label_smoothing=0.1)
loss = alpha * soft + (1 - alpha) * hard
loss.backward()
