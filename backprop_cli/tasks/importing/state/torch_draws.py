"""The numbers that PyTorch draws on the CPU after `torch.manual_seed`: its Mersenne twister, and its laws in order.

A seed is a fact of a program as much as a literal is.  The twister is numpy's; what PyTorch makes of its 32-bit words
(24 bits a float, 53 bits of two a double; normal numbers by Box and Muller, in blocks of 16 or one by one) is compared
with PyTorch by `make test-peers`.
"""

from __future__ import annotations

import math
from typing import Any, Final

from backprop_cli.tasks.importing.state.values import Sizes

MAX_SKIPPED: Final = 20_000_000
MAX_DRAWN: Final = 2_000
_BLOCK: Final = 16


class TorchDraws:
    """A generator of PyTorch; nothing is known of it until it is seeded."""

    def __init__(self, like: TorchDraws | None = None) -> None:
        self.twister: Any = None
        self.skipped = 0
        self.spare: float | None = None  # the second of a pair of normal numbers
        self.double: bool = like.double if like else False  # what a tensor's numbers are where it does not say

    def seed(self, value: int) -> None:
        """`manual_seed`."""
        import numpy as np

        self.twister, self.spare = np.random.RandomState(value & 0xFFFFFFFF), None

    def forget(self) -> None:
        """What follows is not known: something that was not read has drawn."""
        self.twister = None

    @property
    def known(self) -> bool:
        """Whether the next numbers are known."""
        return self.twister is not None

    def draw(self, law: str, shape: Sizes, first: float, second: float, double: bool | None = None) -> object:
        """Numbers as nested lists; None where they are not known or too many.

        Args:
            law: `normal` (mean, std), `uniform` (low, high) or `integers` (low, high).
            shape: the tensor's.
            first: the law's first number.
            second: its second.
            double: whether they are float64; None for what a tensor is by default.
        """
        count = math.prod(shape)
        wide = self.double if double is None else double
        if self.known and count > MAX_DRAWN:
            self._skip(law, count, wide)
            return None
        if not self.known:
            return None
        found = _LAWS[law](self, count, first, second, wide)
        return _short(found, wide or law == "integers").reshape(shape).tolist()

    def _skip(self, law: str, count: int, wide: bool) -> None:
        """So many numbers a spec should not hold; those after them are known still, up to a limit."""
        words = count + (_BLOCK if law == "normal" and count % _BLOCK else 0)
        words *= 2 if wide and law != "integers" else 1
        self.skipped += words
        if self.skipped > MAX_SKIPPED:
            self.forget()
        else:
            self._words(words)

    def permutation(self, count: int) -> Any:
        """`torch.randperm`."""
        if not self.known or count > MAX_DRAWN:
            self.forget()
            return None
        row, words = list(range(count)), self._words(max(count - 1, 0))
        for at, word in enumerate(words.tolist()):
            other = at + word % (count - at)
            row[at], row[other] = row[other], row[at]
        return row

    def _words(self, count: int) -> Any:
        import numpy as np

        return self.twister.randint(0, 2**32, size=count, dtype=np.uint32)

    def _uniform(self, count: int, wide: bool) -> Any:
        """Numbers in [0, 1): 24 bits of a word, or 53 bits of two."""
        import numpy as np

        if not wide:
            return ((self._words(count) & 0xFFFFFF) * np.float32(2**-24)).astype(np.float32)
        pairs = self._words(2 * count).astype(np.uint64).reshape(-1, 2)
        return (((pairs[:, 0] << np.uint64(32)) | pairs[:, 1]) & np.uint64(2**53 - 1)) * 2.0**-53

    def uniform(self, count: int, low: float, high: float, wide: bool) -> object:
        """Uniform numbers, one word or two each."""
        import numpy as np

        kind = np.float64 if wide else np.float32
        return self._uniform(count, wide) * kind(kind(high) - kind(low)) + kind(low)

    def normal(self, count: int, mean: float, std: float, wide: bool) -> object:
        """Normal numbers: few of them one by one in double precision, many in blocks of 16."""
        import numpy as np

        if count < _BLOCK:
            return np.array([self._one() * std + mean for _ in range(count)], dtype=np.float64 if wide else np.float32)
        values = self._uniform(count, wide)
        for start in range(0, count - _BLOCK + 1, _BLOCK):  # at most MAX_DRAWN
            values[start : start + _BLOCK] = _pairs(values[start : start + _BLOCK]) * std + mean
        if count % _BLOCK:
            values[-_BLOCK:] = _pairs(self._uniform(_BLOCK, wide)) * std + mean
        return values

    def _one(self) -> float:
        if self.spare is not None:
            found, self.spare = self.spare, None
            return found
        first, second = self._uniform(2, True).tolist()
        radius, angle = math.sqrt(-2 * math.log1p(-second)), 2 * math.pi * first
        self.spare = radius * math.sin(angle)
        return radius * math.cos(angle)

    def integers(self, count: int, low: float, high: float, wide: bool) -> Any:
        """Whole numbers from low up to and without high."""
        return self._words(count).astype("int64") % int(high - low) + int(low)


def _short(values: Any, exact: bool) -> Any:
    """Numbers of single precision by the digits that tell them from their neighbours, as PyTorch prints them."""
    import numpy as np

    return values if exact else np.array([float(str(one)) for one in values])


def _pairs(block: Any) -> Any:
    """Sixteen uniform numbers as sixteen normal ones: the first eight with the last eight."""
    import numpy as np

    radius, angle = np.sqrt(-2 * np.log(1 - block[:8])), 2 * np.pi * block[8:]
    return np.concatenate([radius * np.cos(angle), radius * np.sin(angle)]).astype(block.dtype)


_LAWS: Final = {"normal": TorchDraws.normal, "uniform": TorchDraws.uniform, "integers": TorchDraws.integers}
