import torch
from torch.utils.data import Dataset, DataLoader
class Toy(Dataset):
    def __init__(self, n):
        self.x = torch.arange(n * 2, dtype=torch.float32).reshape(n, 2) / 10
        self.y = self.x.sum(1, keepdim=True)
    def __len__(self):
        return len(self.x)
    def __getitem__(self, i):
        return self.x[i], self.y[i]
loader = DataLoader(Toy(6), batch_size=2, shuffle=False, num_workers=0)
it = iter(loader)
xb, yb = next(it)
xb, yb = next(it)
w = torch.tensor([[0.3], [-0.2]], requires_grad=True)
loss = ((xb @ w - yb) ** 2).mean()
loss.backward()
print(len(loader), len(loader.dataset))
