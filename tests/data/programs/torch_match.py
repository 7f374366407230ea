import torch
def act(name, x):
    match name:
        case "relu":
            return torch.relu(x)
        case "tanh" | "th":
            return torch.tanh(x)
        case ("leaky", float(slope)):
            return torch.where(x > 0, x, slope * x)
        case {"kind": "scale", "by": k}:
            return x * k
        case _:
            raise ValueError(name)
x = torch.tensor([1.0, -2.0, 0.5], requires_grad=True)
y = act("relu", x) + act("th", x) * act(("leaky", 0.2), x) + act({"kind": "scale", "by": 3.0}, x)
y.sum().backward()
print(x.grad)
