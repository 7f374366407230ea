import torch
from torch import nn
from torch.cuda.amp import autocast, GradScaler
torch.manual_seed(0)
device = 'cuda' if torch.cuda.is_available() else 'cpu'
model = nn.Sequential(nn.Linear(3, 5), nn.ReLU(inplace=True), nn.Linear(5, 2)).to(device)
criterion = nn.CrossEntropyLoss(label_smoothing=0.1)
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0.01)
scaler = GradScaler(enabled=False)
scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=10)
inputs = torch.randn(4, 3, device=device)
targets = torch.randint(0, 2, (4,), device=device)
for epoch in range(1):
    optimizer.zero_grad(set_to_none=True)
    with autocast(enabled=False):
        outputs = model(inputs)
        loss = criterion(outputs, targets)
    scaler.scale(loss).backward()
    scaler.unscale_(optimizer)
    torch.nn.utils.clip_grad_norm_(model.parameters(), max_norm=100.0)
    scaler.step(optimizer)
    scaler.update()
    scheduler.step()
