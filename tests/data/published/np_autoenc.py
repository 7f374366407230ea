import numpy as np
np.random.seed(11)
n_epochs = 50
data = np.random.rand(6, 8)
enc = np.random.randn(8, 3) * 0.1
dec = np.random.randn(3, 8) * 0.1
lr = 0.05
for epoch in range(n_epochs):
    code = np.maximum(data @ enc, 0.01 * (data @ enc))
    recon = code @ dec
    recon_loss = ((recon - data) ** 2).mean()
    dRecon = 2 * (recon - data) / data.size
    dDec = code.T @ dRecon
    dCode = dRecon @ dec.T
    dPre = dCode * np.where(data @ enc > 0, 1, 0.01)
    dEnc = data.T @ dPre
    enc -= lr * dEnc
    dec -= lr * dDec
