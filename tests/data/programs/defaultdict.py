from collections import defaultdict, Counter
import torch
words = "the cat sat on the mat".split()
c = Counter(words)
freq = torch.tensor([float(c[w]) for w in ["the", "cat"]])
d = defaultdict(list)
for w in words: d[len(w)].append(w)
n = len(d[3])
w = torch.tensor([0.3, -0.4], requires_grad=True)
(freq * w * n).pow(2).sum().backward()
