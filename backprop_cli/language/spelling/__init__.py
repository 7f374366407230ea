"""numpy's and PyTorch's calls in the language's own words: `F.layer_norm(x, [d], w)`, `x.view(n, -1)`, `np.std(x)`.

A call is rewritten where it is parsed, so that nothing behind the parser knows another library.  What each call means
is data: one row a call in `libraries/`, the library's own signature and the expression of our language that it is.
"""

from backprop_cli.language.spelling.attributes import respelled
from backprop_cli.language.spelling.bare import is_spelling, unprefixed
from backprop_cli.language.spelling.calls import PLACES, Misfit, library_call, method_call

__all__ = ["PLACES", "Misfit", "is_spelling", "library_call", "method_call", "respelled", "unprefixed"]
