"""Datasets and loaders of torch.utils.data, each as a program; see `written_out`."""

from typing import Final

DATA: Final = '''
class Dataset(object):
    pass


class TensorDataset(Dataset):
    def __init__(self, *tensors):
        self.tensors = tensors

    def __len__(self):
        return len(self.tensors[0])

    def __getitem__(self, index):
        return tuple(tensor[index] for tensor in self.tensors)


class Subset(Dataset):
    def __init__(self, dataset, indices):
        self.dataset, self.indices = dataset, list(indices)

    def __len__(self):
        return len(self.indices)

    def __getitem__(self, index):
        return self.dataset[self.indices[index]]


class DataLoader(object):
    def __init__(self, dataset, batch_size=1, shuffle=None, sampler=None, batch_sampler=None, num_workers=0,
                 collate_fn=None, pin_memory=False, drop_last=False, timeout=0, worker_init_fn=None, generator=None,
                 prefetch_factor=None, persistent_workers=False):
        if sampler is not None or batch_sampler is not None or batch_size is None:
            unread("DataLoader with a sampler")
        if shuffle and batch_size < len(dataset):
            note("the DataLoader shuffles; its rows are read in the order that they have")
        self.dataset, self.batch_size, self.drop_last = dataset, batch_size, drop_last
        self.collate_fn = self.together if collate_fn is None else collate_fn

    def together(self, rows):
        if isinstance(rows[0], torch.Tensor):
            return torch.stack(rows)
        if isinstance(rows[0], (tuple, list)):
            return [self.together(list(column)) for column in zip(*rows)]
        if isinstance(rows[0], dict):
            return {key: self.together([row[key] for row in rows]) for key in rows[0]}
        return rows if isinstance(rows[0], str) else torch.tensor(rows)

    def __len__(self):
        whole, rest = divmod(len(self.dataset), self.batch_size)
        return whole + (rest > 0 and not self.drop_last)

    def __iter__(self):
        for k in range(len(self)):
            start, stop = k * self.batch_size, min((k + 1) * self.batch_size, len(self.dataset))
            if hasattr(self.dataset, "tensors"):
                yield list(self.dataset[start:stop])
            else:
                yield self.collate_fn([self.dataset[i] for i in range(start, stop)])

'''
