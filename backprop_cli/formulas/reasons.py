"""The rule of a step in words: why an op hands its gradient on as it does."""

from __future__ import annotations

from collections.abc import Mapping

from backprop_cli.engine.graph import Graph, Node, rule_of
from backprop_cli.engine.ops import OPS
from backprop_cli.formulas.algebra.positions import only_new_axes
from backprop_cli.language import expression as ast
from backprop_cli.language.model import Size
from backprop_cli.records import dataclass, field

Rules = dict[str, None]
"""Sentences, each once, in order."""

ROW = "a left factor's entry reaches a row of the product: adding up over it takes the right factor's transpose"
COLUMN = "a right factor's entry reaches a column of the product: adding up over it takes the left factor's transpose"

KEPT = "the entries keep their values: the gradient gets the old shape back"

REASONS: Mapping[str, tuple[str, ...]] = {
    "identity": ("the same value under another name: the gradient is passed on",),
    "add": ("a sum passes the gradient on to each term: it distributes",),
    "subtract": ("a difference passes the gradient on to its first term",
                 "a difference passes the gradient on to its second term with a minus"),
    "negative": ("a minus turns the gradient's sign",),
    "multiply": ("the slope of a product in one factor is the other factor: the factors swap",),
    "divide": ("(a/b)' in a is 1/b", "(a/b)' in b is -a/b²: minus the quotient, over b"),
    "power": ("(xⁿ)' = n xⁿ⁻¹", "(aˣ)' = aˣ log a"),
    "square": ("(x²)' = 2x",),
    "matmul": (ROW, COLUMN),
    "einsum": ("each term of the sum is a product, whose factors swap; it adds up over what the operand has not",),
    "prod": ("the slope of a product in one entry is the product of the others",),
    "cumsum": ("an entry enters every later sum: what comes back from them adds up",),
    "var": ("the mean moves too, but its part adds up to 0: left is twice the deviation, divided as in the variance",),
    "logsumexp": ("the slope of log Σ eˣ is softmax(x)",),
    "dot": ("the slope of a dot product in one vector is the other",),
    "outer": ("an entry of the left factor stands in a whole row: what comes back adds up over it",
              "an entry of the right factor stands in a whole column: what comes back adds up over it"),
    "sum": ("every entry weighs 1 in a sum",),
    "mean": ("every entry weighs one n-th in a mean of n",),
    "sigmoid": ("σ' = σ (1 - σ): at most 1/4, and next to 0 where σ is near 0 or 1 (saturated)",),
    "tanh": ("tanh' = 1 - tanh²: at most 1, and next to 0 where tanh is near ±1 (saturated)",),
    "relu": ("the slope is 1 where the input is positive, else 0: there the gradient stops",),
    "exp": ("(eˣ)' = eˣ",),
    "log": ("(log x)' = 1/x",),
    "sqrt": ("(√x)' = 1/(2√x)",),
    "abs": ("|x|' is the sign of x",),
    "sin": ("sin' = cos",),
    "cos": ("cos' = -sin",),
    "tan": ("tan' = 1 + tan²",),
    "sinh": ("sinh' = cosh",),
    "cosh": ("cosh' = sinh",),
    "arctan": ("arctan' x = 1/(1 + x²)",),
    "log1p": ("log(1 + x)' = 1/(1 + x)",),
    "expm1": ("(eˣ - 1)' = eˣ",),
    "reciprocal": ("(1/x)' = -1/x²",),
    "rsqrt": ("(1/√x)' = -1/(2 x √x)",),
    "softplus": ("softplus' = σ",),
    "logsigmoid": ("(log σ)' = 1 - σ",),
    "leaky_relu": ("the slope is 1 where the input is positive, else the small slope",),
    "erf": ("erf' x = 2/√π · exp(-x²)",),
    "softmax": ("of p = softmax(s), each score moves each p: ∂p[j]/∂s[k] = p[j] ([j = k] - p[k])",),
    "log_softmax": ("of p = softmax(s): ∂ log p[j]/∂s[k] = [j = k] - p[k]",),
    "bce_logits": ("sigmoid and cross-entropy together have the slope σ(z) - t: z is the score, t the target",),
    "maximum": ("the gradient goes to the larger of the two: a maximum routes",),
    "minimum": ("the gradient goes to the smaller of the two: a minimum routes",),
    "max": ("the gradient goes to where the maximum is: a maximum routes",),
    "min": ("the gradient goes to where the minimum is: a minimum routes",),
    "where": ("", "the gradient goes to where the condition holds",
              "the gradient goes to where the condition does not hold"),
    "clip": ("the slope is 1 between the bounds, else 0",),
    "expand_dims": (KEPT,),
    "squeeze": (KEPT,),
    "broadcast_to": ("an entry that was repeated meets the output several times: what comes back adds up",),
    "flip": ("the entries come back in their old order",),
    "roll": ("the entries come back in their old order",),
    "pad": ("what was added gets no gradient: the rest is cut out",),
    "tril": ("only the lower triangle passes the gradient on",),
    "triu": ("only the upper triangle passes the gradient on",),
    "diag": ("only the diagonal is passed on",),
    "diagonal": ("what comes back stands on the diagonal, elsewhere is 0",),
    "transpose": ("a transpose is undone by a transpose",),
    "reshape": (KEPT,),
    "index": ("only the entries that were picked get a gradient, the others get 0",),
    "take": ("each entry that was picked gets its gradient; one picked twice gets both",),
    "embedding": ("", "each row that was looked up gets its gradient; a row used twice gets both"),
    "concat": ("each part gets its own piece of the gradient",),
    "stack": ("each part gets its own piece of the gradient",),
    "conv1d": ("each entry of the input meets the kernel at several places: what comes back from them adds up",
               "every place where the kernel stood adds its part: a correlation of the input with what comes back",
               "the bias was added at every place: what comes back adds up"),
    "max_pool2d": ("the gradient goes to where the maximum of each window was",),
    "avg_pool2d": ("the gradient is spread evenly over each window",),
    "inv": ("from X · X⁻¹ = I: a change dX changes X⁻¹ by -X⁻¹ · dX · X⁻¹",),
    "solve": ("from A · X = B: a change dA changes X by -A⁻¹ · dA · X",
              "from A · X = B: what comes back is solved with the transpose of A"),
    "cholesky": ("from S = L · Lᵀ: L⁻¹ · dL is the lower triangle of L⁻¹ · dS · L⁻ᵀ with half its diagonal",),
    "logdet": ("∂ log det X/∂X = X⁻ᵀ",),
    "det": ("∂ det X/∂X = det X · X⁻ᵀ",),
    "trace": ("only the diagonal enters a trace, each entry with weight 1",),
    "layer_norm": ("a shift or a scaling of a row changes nothing: these two parts of the gradient are taken out",),
    "standardize": ("a shift or a scaling of a row changes nothing: these two parts of the gradient are taken out",),
    "batch_norm": ("a shift or a scaling of a column changes nothing: these two parts of the gradient are taken out",),
    "stop_gradient": ("nothing flows back",),
    **dict.fromkeys(("sign", "floor", "ceil", "trunc", "round", "floor_divide"),
                    ("flat between its steps: the slope is 0, and nothing flows back",)),
    "log2": ("(log₂ x)' = 1/(x log 2)",),
    "log10": ("(log₁₀ x)' = 1/(x log 10)",),
    "arcsin": ("arcsin' x = 1/√(1 - x²)",),
    "arccos": ("arccos' x = -1/√(1 - x²)",),
    "arcsinh": ("arcsinh' x = 1/√(x² + 1)",),
    "arccosh": ("arccosh' x = 1/√(x² - 1)",),
    "arctanh": ("arctanh' x = 1/(1 - x²)",),
    "erfc": ("erfc' x = -2/√π · exp(-x²)",),
    "erfinv": ("from erf(erfinv x) = x: erfinv' x = √π/2 · exp((erfinv x)²)",),
    "log_ndtr": ("(log Φ)' = Φ'/Φ, and Φ' x = exp(-x²/2)/√(2π)",),
    "sinc": ("sinc' x = (cos πx - sinc x)/x",),
    "logit": ("logit' p = 1/(p (1 - p))",),
    "lgamma": ("(log Γ)' = ψ",),
    "digamma": ("the slope of ψ is the trigamma function",),
    "polygamma": ("the slope of a polygamma function is the next one",),
    "entr": ("(-x log x)' = -log x - 1",),
    "elu": ("the slope is 1 where the input is positive, else α eˣ",),
    "silu": ("(x σ)' = σ + x σ (1 - σ): the rule of products",),
    "mish": ("(x tanh s)' = tanh s + x (1 - tanh² s) σ(x), with s = softplus(x): the rule of products",),
    "softsign": ("softsign' x = 1/(1 + |x|)²",),
    "gelu": ("(x Φ)' = Φ + x φ: Φ(x) is how likely a normal number is below x, φ its density",),
    **dict.fromkeys(("relu6", "hardtanh"), ("the slope is 1 between the bounds, else 0: there the gradient stops",)),
    "hardsigmoid": ("the slope is 1/6 between -3 and 3, else 0",),
    "hardswish": ("the slope is 1 above 3, 0 below -3, and (2x + 3)/6 between them",),
    "huber": ("a parabola near 0, straight beyond: the slope is the difference, clipped",),
    "logaddexp": ("the slope of log(eᵃ + eᵇ) in one of them is its share of the sum: a softmax of two",),
    "hypot": ("the slope of √(a² + b²) in one of them is that one over the root",),
    "arctan2": ("the angle of the point (x, y) moves with y by x/(x² + y²)",
                "the angle of the point (x, y) moves with x by -y/(x² + y²)"),
    "xlogy": ("(x log y)' in x is log y", "(x log y)' in y is x/y"),
    "remainder": ("(a mod b)' in a is 1", "(a mod b)' in b is -⌊a/b⌋"),
    "fmod": ("what division leaves moves with the dividend by 1", "(a - b trunc(a/b))' in b is -trunc(a/b)"),
    "norm": ("the slope of a length is the direction: (√Σ x²)' = x/√Σ x²",),
    "std": ("a standard deviation is a root: the slope of the variance, over twice the deviation",),
    "masked_softmax": ("of p = softmax(s), each score moves each p: ∂p[j]/∂s[k] = p[j] ([j = k] - p[k])",),
    "bce_probabilities": ("-t log p - (1 - t) log(1 - p) has the slope (p - t)/(p (1 - p))",),
    "gaussian_nll": ("half the squared error over the variance: its slope is the error over the variance",
                     "half the squared error over the variance: its slope is the error over the variance, with a minus",
                     "the logarithm of the variance grows, and the squared error over it falls"),
    "cumprod": ("an entry enters every later product: what comes back from them adds up",),
    "logcumsumexp": ("an entry enters every later sum: what comes back from them adds up",),
    "cummax": ("the gradient goes to where the largest entry so far was",),
    "cummin": ("the gradient goes to where the smallest entry so far was",),
    "sort": ("the entries go back to where they came from",),
    "unfold": ("an entry stands in several windows: what comes back from them adds up",),
    "fold": ("each window gets back what lies under it",),
    "take_along_axis": ("each entry that was picked gets its gradient; one picked twice gets both",),
    "scatter": ("each entry gets the gradient of the place where it was put",),
    **dict.fromkeys(("index_add", "scatter_add"),
                    ("what something is added to passes the gradient on", "",
                     "each entry gets the gradient of the place to which it was added")),
    "conv_transpose1d": ("each entry laid the kernel over a window: what comes back there, times the kernel, adds up",
                         "every place where the kernel was laid adds its part: what comes back meets the input there",
                         "the bias was added at every place: what comes back adds up"),
    "kron": ("each entry of the left factor has a copy of the right one beside it: the products with it add up",
             "each entry of the right factor stands in every copy: the products with the left factor add up"),
    "cross": ("gᵀ · (a × b) = aᵀ · (b × g): the three turn in a circle", "gᵀ · (a × b) = bᵀ · (g × a)"),
    "slogdet": ("∂ log |det X|/∂X = X⁻ᵀ",),
    "matrix_power": ("each factor moves in turn: by the rule of products, a sum over them",),
    "pinv": ("from X · X⁺ · X = X: a change dX changes X⁺ by -X⁺ · dX · X⁺, and more where X is not square",),
    "eigvalsh": ("an eigenvalue with the eigenvector v moves by vᵀ · dX · v",),
    "svdvals": ("a singular value with the vectors u and v moves by uᵀ · dX · v",),
}  # fmt: skip
"""By op; a sentence for each operand, the last one for all further operands."""

COMPOSED = {
    "cross_entropy": "softmax and cross-entropy together have the slope p - t: "
                     "p is the softmax of the scores, t is 1 at the right class, else 0",
    "binary_cross_entropy_with_logits": REASONS["bce_logits"][0],
}  # fmt: skip
"""By the name of a function that is written in the language: what its steps come to, in its first argument."""

CONSTANT = {"multiply": "a constant factor stays: the gradient gets it too",
            "divide": "a constant divisor stays: the gradient is divided by it too"}  # fmt: skip
AVERAGE = "a sum divided by {n} is an average: each term weighs 1/{n}"

OWN = "the spec itself says what the gradient of {name} is"

NEW_AXIS = "a new axis changes no entry: the gradient loses it again"
LABELLED = REASONS["take"][0]

SAME = {**{f"conv{n}d": "conv1d" for n in (2, 3)}, **{f"conv_transpose{n}d": "conv_transpose1d" for n in (2, 3)},
        **{f"{kind}_pool{n}d": f"{kind}_pool2d" for kind in ("max", "avg") for n in (1, 3)}}  # fmt: skip


@dataclass(slots=True)
class Reasons:
    """The rules between a node and one that uses it, from the user back to the node, each once.

    An expression is looked through once for all the nodes in it.
    """

    graph: Graph
    known: dict[int, dict[int, tuple[str, ...]]] = field(default_factory=dict)  # by user, then by the node

    def __call__(self, consumer: Node, target: Node) -> tuple[str, ...]:
        """The rules on the way from a user back to a node."""
        if consumer.index not in self.known:
            self.known[consumer.index] = self.through(consumer)
        return self.known[consumer.index].get(target.index, ())

    def through(self, consumer: Node) -> dict[int, tuple[str, ...]]:
        """The rules on the first way to each operand of an expression, through parts without a name."""
        nodes, found, ways, seen = self.graph.nodes, dict[int, Rules](), [(consumer, Rules())], set[int]()
        while ways:
            node, way = ways.pop()
            if node.index in seen:
                continue
            seen.add(node.index)
            for position, operand in enumerate(node.inputs):
                if node.op is not None and rule_of(node, position) is not None:
                    step = way | dict.fromkeys(filter(None, [_reason(self.graph, node, position)]))
                    found.setdefault(operand, step)
                    if nodes[operand].anonymous and operand in self.graph.active:
                        ways.append((nodes[operand], step))
        composed = _composed(consumer.spec.expression) if consumer.spec else {}
        return {operand: _said(composed.get(nodes[operand].name) or rules) for operand, rules in found.items()}


def _reason(graph: Graph, node: Node, position: int) -> str:
    """Why an op hands its gradient on as it does to one of its operands; nothing where there is nothing to say."""
    assert node.op is not None
    op, operands = node.op.name, [graph.nodes[i] for i in node.inputs]
    if op == "transpose" and len(node.shape) < 2:
        return ""
    if op == "matmul" and max(len(one.shape) for one in operands) < 2:
        op = "dot"
    if op == "index" and None in node.parameters["index"] and only_new_axes(node.parameters["index"]):
        return NEW_AXIS
    if op in CONSTANT and (others := operands[:position] + operands[position + 1 :]) and is_constant(graph, others[0]):
        size = others[0].value
        is_average = op == "divide" and isinstance(size, Size) and size.name and _is_sum(graph, operands[0])
        return AVERAGE.format(n=size.name) if is_average else CONSTANT[op]
    if node.op.name not in OPS:
        return OWN.format(name=op)
    listed = REASONS.get(SAME.get(op, op), ("",))
    return listed[min(position, len(listed) - 1)]


def is_constant(graph: Graph, node: Node) -> bool:
    """Whether a node is made of numbers and sizes alone; a graph may be deeper than Python's stack."""
    pending, seen = [node], {node.index}
    while pending:
        one = pending.pop()
        if one.index in graph.active or one.op is None and one.kind != "constant":
            return False
        new = [i for i in dict.fromkeys(one.inputs) if i not in seen]
        seen.update(new)
        pending += [graph.nodes[i] for i in new]
    return True


def _is_sum(graph: Graph, node: Node) -> bool:
    """Whether a node is a sum over entries, up to its sign."""
    while node.op is not None and node.op.name == "negative":
        node = graph.nodes[node.inputs[0]]
    return node.op is not None and node.op.name == "sum"


def _composed(whole: ast.Expression) -> dict[str, Rules]:
    """The reasons of losses whose steps come to something simpler, by the node that is their first argument.

    They are the terms of a sum, or all of it.
    """
    found: dict[str, Rules] = {}
    terms: list[tuple[ast.Expression, Rules]] = [(whole, {})]
    while terms:
        match terms.pop():
            case ast.Call(function=function, arguments=(ast.Argument(value=ast.Name(name=first)), _, *options)), way:
                by_name = {one.keyword: one.value for one in options}
                if function not in COMPOSED or by_name.keys() - {"reduction"}:
                    continue
                reduction = by_name.get("reduction")
                is_mean = reduction is None or isinstance(reduction, ast.String) and reduction.value == "mean"
                why = (COMPOSED[function], *(REASONS["mean"] if is_mean else ()))
                found.setdefault(first, way | dict.fromkeys(why))
            case ast.Binary(operator="+", left=left, right=right), way:
                within = way | dict.fromkeys(REASONS["add"])
                terms += [(right, within), (left, within)]
    return found


def _said(rules: Rules) -> tuple[str, ...]:
    """Without those that another one makes plain."""
    listed = dict(rules)
    if any(one.startswith(AVERAGE.partition("{")[0]) for one in listed):
        listed.pop(REASONS["sum"][0], None)  # that every entry weighs 1 is not said of an average
    if LABELLED in listed:
        listed.pop(KEPT, None)  # x[n, t[n]] takes an axis away: no more than its spelling here
    return tuple(listed)
