try:
    import torch
    HAS = True
except ImportError:
    HAS = False
def safe(v):
    try:
        return float(v)
    except ValueError:
        return 1.0
if HAS:
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    y = (x * safe("2.5") * safe("abc")).pow(2).sum()
    y.backward()
