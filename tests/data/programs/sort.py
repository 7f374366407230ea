import torch
words = ['emma', 'olivia', 'ava']
chars = list(set(''.join(words)))
chars.sort()
stoi = {s: i + 1 for i, s in enumerate(chars)}
stoi['.'] = 0
order = sorted(words, key=len)
longest = max(words, key=lambda w: len(w))
xs, ys = [], []
for w in order[:2]:
    chs = ['.'] + list(w) + ['.']
    for ch1, ch2 in zip(chs, chs[1:]):
        xs.append(stoi[ch1]); ys.append(stoi[ch2])
xs, ys = torch.tensor(xs), torch.tensor(ys)
g = torch.Generator().manual_seed(2147483647)
V = len(stoi) + len(longest)
W = torch.randn((V, V), generator=g, requires_grad=True)
xenc = torch.nn.functional.one_hot(xs, num_classes=V).float()
logits = xenc @ W
counts = logits.exp()
probs = counts / counts.sum(1, keepdims=True)
loss = -probs[torch.arange(len(xs)), ys].log().mean() + 0.01*(W**2).mean()
W.grad = None
loss.backward()
W.data += -50 * W.grad
