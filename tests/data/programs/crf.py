import torch
torch.manual_seed(1)
START, STOP = 3, 4
K = 5
transitions = torch.nn.Parameter(torch.randn(K, K))
transitions.data[START, :] = -10000
transitions.data[:, STOP] = -10000
feats = torch.randn(4, K, requires_grad=True)
tags = torch.tensor([0, 1, 2, 1])
def log_sum_exp(vec):
    max_score = vec[0, torch.argmax(vec, 1).item()]
    max_score_broadcast = max_score.view(1, -1).expand(1, vec.size()[1])
    return max_score + torch.log(torch.sum(torch.exp(vec - max_score_broadcast)))
def forward_alg(feats):
    init_alphas = torch.full((1, K), -10000.)
    init_alphas[0][START] = 0.
    forward_var = init_alphas
    for feat in feats:
        alphas_t = []
        for next_tag in range(K):
            emit_score = feat[next_tag].view(1, -1).expand(1, K)
            trans_score = transitions[next_tag].view(1, -1)
            next_tag_var = forward_var + trans_score + emit_score
            alphas_t.append(torch.logsumexp(next_tag_var, 1).view(1))
        forward_var = torch.cat(alphas_t).view(1, -1)
    terminal_var = forward_var + transitions[STOP]
    return torch.logsumexp(terminal_var, 1)[0]
def score_sentence(feats, tags):
    score = torch.zeros(1)
    tags = torch.cat([torch.tensor([START], dtype=torch.long), tags])
    for i, feat in enumerate(feats):
        score = score + transitions[tags[i + 1], tags[i]] + feat[tags[i + 1]]
    score = score + transitions[STOP, tags[-1]]
    return score
loss = forward_alg(feats) - score_sentence(feats, tags)
loss.backward()
