import torch
import torch.nn as nn
torch.manual_seed(0)
enc_layer = nn.TransformerEncoderLayer(d_model=4, nhead=2, dim_feedforward=6, activation='gelu', norm_first=True, dropout=0.)
encoder = nn.TransformerEncoder(enc_layer, num_layers=2)
dec = nn.TransformerDecoderLayer(4, 2, 5, dropout=0.)
src = torch.randn(3, 2, 4)
tgt = torch.randn(2, 2, 4)
mem = encoder(src, src_key_padding_mask=torch.tensor([[False, False, True], [False, False, False]]))
mask = torch.triu(torch.full((2, 2), float('-inf')), diagonal=1)
out = dec(tgt, mem, tgt_mask=mask)
loss = (out ** 2 * torch.arange(4.)).mean()
loss.backward()
