"""One answer: numbers, or a formula in the language, as people write it; or why it cannot be read."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

import numpy as np

from backprop_cli.engine.ops import OPS
from backprop_cli.errors import BackpropError, SpecError
from backprop_cli.language import expression as ast
from backprop_cli.language import tree
from backprop_cli.language.arrays import numbers
from backprop_cli.language.expression import Expression, parse
from backprop_cli.language.expression.lexer import MAX_CHARACTERS
from backprop_cli.language.source import Text
from backprop_cli.language.spelling import is_spelling
from backprop_cli.records import dataclass, replace
from backprop_cli.tasks.grading.bounds import UPTO, bounded, spelled_out
from backprop_cli.tasks.grading.defined import BY_HAND, with_definitions
from backprop_cli.tasks.grading.examples import by_example
from backprop_cli.tasks.grading.figures import CONSTANTS, Figures, exchanged, half_unit, written
from backprop_cli.tasks.grading.functions import PRIME, normed
from backprop_cli.tasks.grading.grids import gridded, has_decimal_commas
from backprop_cli.tasks.grading.items import Item, error_of, gradient_of, item_of, layered, letters_of
from backprop_cli.tasks.grading.latex import is_latex, to_text
from backprop_cli.tasks.grading.loose import around, has_links, loosened
from backprop_cli.tasks.grading.steps import written_out

DOTS = ("·", "\\cdot", "@", "∙", "•")
"""Signs of a product of vectors that may be a number."""


@dataclass(frozen=True, slots=True)
class Formula:
    """An answer as an expression of the language; `bare` where nothing says that it is a formula.

    `letters` stand behind what it is an answer to, `dW_{ij} = ...`, in the order of its axes; `dotted`: a sign of a
    product of vectors that may be a number stands in it.  `other`: the numbers where its commas are decimal ones, which
    nothing but the shape of the answer may say: `[-3,5; -2,125]`.  `differential`: the formula is that of the output,
    `dL = tr(Gᵀ dX)`, in which what looks like the gradient of its node is a change of the node.
    """

    expression: Expression
    text: Text
    bare: bool = False
    letters: tuple[str, ...] = ()
    dotted: bool = True
    other: Expression | None = None
    differential: bool = False


@dataclass(frozen=True, slots=True)
class Unreadable:
    """An answer that is neither, and why."""

    why: str


Content = Figures | Formula | Unreadable


def inlined(expression: Expression, variables: Mapping[str, Expression]) -> Expression:
    """An expression with the writer's own variables put in."""
    if not variables:
        return expression
    return exchanged(expression, lambda part: variables.get(part.name) if isinstance(part, ast.Name) else None)


def content_of(item: Item, value: tree.Node | Text, nodes: Collection[str],
             variables: Mapping[str, Expression]) -> Content:  # fmt: skip
    """An answer, or why it cannot be read."""
    try:
        if isinstance(value, Text) or (isinstance(value, tree.Scalar) and isinstance(value.value, str)):
            text = value if isinstance(value, Text) else value.text
            return _from_text(item, text, nodes, variables)
        if item.suffix == ".formula" and isinstance(value, tree.Scalar):
            return Formula(parse(value.text), value.text)
        return _from_list(item, value, nodes)
    except BackpropError as caught:
        return Unreadable(told(caught))


def _from_text(item: Item, text: Text, nodes: Collection[str], variables: Mapping[str, Expression]) -> Formula:
    """An answer as the language reads it; where it does not, as people write by hand.

    Raises:
        SpecError: what is wrong with it as it was written.
    """
    written = with_definitions(text.text) if len(text.text) <= BY_HAND else text.text
    letters = letters_of(written.partition("=")[0]) if "=" in written and len(written) <= BY_HAND else ()
    left, equals, right = written.partition("=")
    by_hand = equals and len(written) <= BY_HAND and item.what == "gradient"
    change = _CHANGE.fullmatch(left.strip(" $&`\t")) if by_hand else None
    differential = change is not None and change["of"] != item.node
    found = _read(item, text, _bare(right if differential else written, item, nodes), nodes, variables)
    return replace(found, letters=letters, dotted=any(sign in written for sign in DOTS),
                   other=_with_decimals(text, nodes), differential=differential)


_CHANGE = re.compile(r"(?:d|∂|\\mathrm\{d\}|\\partial)\s*(?P<of>[A-Za-z]\w*|ℓ|\\ell|\\mathcal\s*\{?\s*[A-Z]\s*\}?)")
"""The change of an output: `dL`, `d\\ell`."""


def _with_decimals(text: Text, nodes: Collection[str]) -> Expression | None:
    """The numbers of a list in which every comma may be a decimal one."""
    written = text.text.strip()
    if len(written) > BY_HAND or written[:1] not in {"[", "("} or "." in written or not re.search(r"\d,\d", written):
        return None
    grid = gridded(around(written, nodes), decimal=True)
    return None if grid is None else parse(text.standing_for(grid))


def _read(item: Item, text: Text, bare: str, nodes: Collection[str], variables: Mapping[str, Expression]) -> Formula:
    """What is left of an answer, read.

    Raises:
        SpecError: what is wrong with it as it was written.
    """
    plain = text if bare == text.text else text.standing_for(bare)
    formula = item.suffix != ".formula"
    try:
        found = inlined(parse(plain), variables)
        strange = _strange(found, nodes) + has_links(plain.text, nodes)
    except BackpropError:
        loose = _loosely(plain, item, nodes, variables)
        if loose is None:
            raise
        return Formula(*loose, formula)
    loose = _loosely(plain, item, nodes, variables) if strange and nodes else None
    if loose is not None and _strange(loose[0], nodes) < strange:
        return Formula(*loose, formula)
    return Formula(found, plain, formula)


def _loosely(text: Text, item: Item, nodes: Collection[str],
             variables: Mapping[str, Expression]) -> tuple[Expression, Text] | None:  # fmt: skip
    """An answer as written by hand."""
    if len(text.text) > BY_HAND:
        return None
    try:
        spelled = text.standing_for(loosened(_bare(around(text.text, nodes), item, nodes), nodes, _is_function))
        return inlined(parse(spelled), variables), spelled
    except BackpropError:
        return None


def _is_function(name: str) -> bool:
    return name in OPS or is_spelling(name) or name == UPTO


def _strange(expression: Expression, nodes: Collection[str]) -> int:
    """How much of an answer means nothing to the language: names, and twice the functions (sizes have names, too)."""
    found = 0
    for part in ast.parts(expression):
        if isinstance(part, ast.Name):
            known = part.name in nodes or part.name in CONSTANTS
            found += not known and gradient_of(part.name, nodes) is None
        elif isinstance(part, ast.Transposed):  # 1ᵀ, the row of ones
            found += isinstance(part.operand, ast.Number)
        elif isinstance(part, ast.Call):
            found += 2 * (part.function != "grad" and not _is_function(part.function.removesuffix(PRIME)))
    return found


def _from_list(item: Item, node: tree.Node, nodes: Collection[str]) -> Content:
    if isinstance(node, tree.Mapping):
        raise SpecError("E008", "an answer is a number, a list or a formula, found a mapping", at=node.at.place())
    as_written = node.source.text[node.start : node.end] if node.end - node.start <= MAX_CHARACTERS else ""
    if isinstance(node, tree.Sequence) and (";" in as_written or has_decimal_commas(as_written.replace("−", "-"))):
        return replace(_from_text(item, node.at.standing_for(as_written), nodes, {}), bare=True)
    if isinstance(node, tree.Scalar) or all(not isinstance(one, str) for one in _values(node)):
        value = numbers(node, "the answer")
        halves = np.array([half_unit(raw) for raw in written(node)])
        return Figures(value.load()[()], halves.reshape(value.shape)[()])
    raw = node.at.standing_for(_spelled(node))
    return replace(_from_text(item, raw, nodes, {}), bare=True)


def _values(node: tree.Node) -> list[object]:
    if isinstance(node, tree.Sequence):
        return [value for one in node.items for value in _values(one)]
    return [node.value if isinstance(node, tree.Scalar) else None]


def _spelled(node: tree.Node) -> str:
    """A list of texts as one expression: `[1/3, '0.5']` is `[1/3, 0.5]`.

    Raises:
        SpecError: E008 where a mapping stands in it.
    """
    if isinstance(node, tree.Sequence):
        return f"[{', '.join(map(_spelled, node.items))}]"
    if not isinstance(node, tree.Scalar):
        raise SpecError("E008", "a list of numbers holds a mapping", at=node.at.place())
    return node.raw or "?"


_WRAPPED = re.compile(r"(?:(?:np|numpy|torch|jnp)\.)?(?:[Aa]rray|asarray|tensor|Tensor|[Mm]atrix|float64|float32)\s*\("
                      r"(?P<inner>\[.*\]|[-+.\deE]+)"
                      r"\s*(?:,\s*(?:dtype|requires_grad|device|grad_fn)\s*=[^\[\]]*)?\)", re.DOTALL)  # fmt: skip
_ABOUT = re.compile(r"^[≈~≃≅∼]\s*(?=[-+]?[.\d\[])")
_SEVERAL = re.compile(r"^[-+−]?[\d.]+(?:[eE][-+]?\d+)?\s*(?:[;,]|\s[-+−]?[\d.])")
_MARGIN = re.compile(r"\\(?:label|tag\*?)\s*\{[^{}]*\}|\\(?:nonumber|notag|qed|square|blacksquare)\b\s*")
"""What LaTeX puts beside an equation."""
_END = re.compile(r"(?:(?<!\\)[.,;]|\\\\(?:\[[\w.]*\])?|\s|\$)+$")
_GAP = re.compile(r"(?<=[\d.\]])\s+(?=[-+]?[\d.\[])")


def _bare(text: str, item: Item, nodes: Collection[str]) -> str:
    """An answer without what people put around it: quotes, `W2.grad = ...`, `array(...)`, numpy's way to print."""
    text = text.strip()
    if len(text) <= BY_HAND:
        text = normed(spelled_out(layered(_MARGIN.sub("", text).strip("`").strip("$").strip(), nodes)))
        text = written_out(text, nodes, lambda name: error_of(name, nodes) is not None)
        text = bounded(by_example(text, nodes))
    text = _right_side(_ABOUT.sub("", text), item, nodes)
    short = len(text) <= MAX_CHARACTERS
    grid = gridded(text) if short and text[:1] in "[({<\\" or short and _SEVERAL.search(text) else None
    if grid is not None:
        return grid
    if short and is_latex(text):
        return to_text(_END.sub("", text), nodes)
    wrapped = _WRAPPED.fullmatch(text)
    if wrapped:
        text = wrapped["inner"]
    if text.startswith("[") and "," not in text.split("]")[0].strip("[ "):
        text = _GAP.sub(", ", text)
    return text


def _right_side(text: str, item: Item, nodes: Collection[str]) -> str:
    """The answer behind `grad(W2) =`, or a name of the writer's own; what another node is is no answer."""
    left, sign, right = text.partition("=")
    inside = any(left.count(opening) != left.count(closing) for opening, closing in ("()", "{}", "[]"))
    inside = inside or re.search(r"(?<!\w)(?:where|with)\s", left) is not None
    if not sign or right.startswith("=") or left.endswith(("<", ">", "!")) or inside:
        return text
    named = item_of(left, nodes)
    another = named is not None and named.node in nodes and named.node != item.node
    return text if another else _last(right)


def _last(text: str) -> str:
    """Of `2/3 (p - t) = 0.667 (p - t)` what it ends with."""
    depth, start = 0, 0
    for at, sign in enumerate(text):
        depth += (sign in "([{") - (sign in ")]}")
        if sign == "=" and depth == 0 and text[at - 1 : at] not in {*"<>!="} and text[at + 1 : at + 2] != "=":
            start = at + 1
    return text[start:].strip()


def told(error: BackpropError) -> str:
    """An error (of several the first) as a reason: the line, what is wrong, and a suggestion."""
    where = f"line {error.at.line}: " if error.at else ""
    meant = f"; {error.hint}" if error.hint and error.hint.startswith(("did you", "write ", "use ")) else ""
    return f"{where}{error.message}{meant}"
