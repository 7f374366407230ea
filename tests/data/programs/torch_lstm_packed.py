import torch
import torch.nn as nn
from torch.nn.utils.rnn import pad_sequence
torch.manual_seed(0)
seqs = [torch.tensor([1, 2, 3]), torch.tensor([4, 5])]
lengths = torch.tensor([len(s) for s in seqs])
pad = pad_sequence(seqs, batch_first=True)
emb = nn.Embedding(6, 3, padding_idx=0)
rnn = nn.LSTM(3, 4, batch_first=True)
fc = nn.Linear(4, 2)
out, _ = rnn(emb(pad))
last = out[torch.arange(len(seqs)), lengths - 1]
loss = nn.CrossEntropyLoss()(fc(last), torch.tensor([0, 1]))
loss.backward()
