"""Densities of scipy.stats, as JAX and autograd have them too, each as the formula that its documentation gives."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from backprop_cli.tasks.importing.data.starts import Row
from backprop_cli.tasks.importing.networks.written_out import definition_of
from backprop_cli.tasks.importing.state.values import Library

if TYPE_CHECKING:
    from backprop_cli.tasks.importing.state.machine import Machine

SOURCE: Final = '''
def norm_logpdf(x, loc=0.0, scale=1.0):
    return -0.5 * ((x - loc) / scale) ** 2 - np.log(scale * math.sqrt(2 * math.pi))


def norm_pdf(x, loc=0.0, scale=1.0):
    return np.exp(-0.5 * ((x - loc) / scale) ** 2) / (scale * math.sqrt(2 * math.pi))


def norm_cdf(x, loc=0.0, scale=1.0):
    return 0.5 * (1 + scipy.special.erf((x - loc) / (scale * math.sqrt(2))))


def multivariate_normal_logpdf(x, mean, cov):
    d = x - mean
    return -0.5 * (np.sum(d * (d @ np.linalg.inv(cov)), -1) + np.linalg.slogdet(2 * math.pi * cov)[1])


def expon_logpdf(x, loc=0.0, scale=1.0):
    return -(x - loc) / scale - np.log(scale)
'''
_HOMES: Final = ("scipy.stats", "jax.scipy.stats", "autograd.scipy.stats")
_NAMES: Final = {name: Library(path) for name, path in (("np", "numpy"), ("math", "math"), ("scipy", "scipy"))}


def _written(name: str) -> Row:
    def run(machine: Machine, given: list[object], named: dict[str, object], node: ast.AST) -> object:
        return machine.called(definition_of(machine, SOURCE, name, _NAMES, node), given, named, node)

    return run


DENSITIES: Final[Mapping[str, Row]] = {
    f"{home}.{kind}.{function}": _written(f"{kind}_{function}") for home in _HOMES
    for kind, function in (("norm", "logpdf"), ("norm", "pdf"), ("norm", "cdf"), ("multivariate_normal", "logpdf"),
                           ("expon", "logpdf"))
}  # fmt: skip
