"""What people write who know other notations, and how it is written here: one row each."""

from __future__ import annotations

import re

AROUND = 80  # characters on either side of an error in which it is looked for what was meant

TRANSPOSE = "the transpose is written x.T or xᵀ"
GRADIENT = "the gradient of the output by x is grad(x) or ∂loss/∂x; of any number e it is grad(e, x)"

_ROWS = {
    r"\\[dt]?frac(?![A-Za-z])": "write (a)/(b)",
    r"\\sigma\s*\(": "write sigmoid(x) or σ(x)",
    r"\\sqrt(?![A-Za-z])": "write sqrt(x)",
    r"\\sum(?![A-Za-z])": "write sum(x) or sum(x, axis=0)",
    r"\\(?:top|intercal)(?![A-Za-z])|⊤|(?:\^|\*\*)\s*\{?\s*T\b\s*.?": TRANSPOSE,
    r"\\(?:cdot|times|odot|circ|ast)(?![A-Za-z])": "write * entry by entry, @ for a product of matrices",
    r"\\(?:partial|nabla)(?![A-Za-z])|∇|∂\s*\w*\s*(?:/|$)|\bd\s*/\s*d\w+\s*.?": GRADIENT,
    r"\\hat\s*\{?(\w+)\}?": r"write \1_hat",
    "(\\w)\u0302": r"write \1_hat",
    "(\\w)\u0304": r"write \1_bar",
    "(\\w)\u0303": r"write \1_tilde",
    r"\\(?:bar|tilde|vec|mathbf|boldsymbol|bm|mathrm|text)\s*\{?(\w+)\}?": r"write \1",
    r"\\(?:left|right|big|Big|[()\[\],;!])": "write the expression alone",
    r"\\([A-Za-z]+)": r"write \1, without the backslash",
    r"\blog_\{?\w+\}?": "write log2(x), log10(x), or log(x)/log(b)",
    r"_\{(\w+)\}": r"write _\1",
    r"\^\{\s*-\s*1\s*\}": "write inv(A), or 1/x of a number",
    r"\^\{": "write **(...)",
    r"\{": "an expression is plain text; quote it if YAML reads it as a mapping",
    r"[|‖∥]\s*_\s*\{?(\w+)": r"write norm(x, \1)",
    r"\b([A-Za-z]+)\s*(?:\^|\*\*)?\s*(?:-\s*1|\(\s*-\s*1\s*\)|⁻¹)\s*\(": r"write arc\1(x), or 1/\1(x)",
    r"\b([A-Za-z]+)\s*(?:\^|\*\*)\s*(\d+)\s*\(": r"write \1(x)**\2",
    r"\b([A-Za-z]+)\s*[²³⁴-⁹]\s*\(": r"write \1(x) with the power behind it",
    r"\b([A-Za-z]\w*)\s*['′]\s*\(": r"the derivative of \1(x) is grad(\1(x), x)",
    r"(?<=[\w)\]])\s*['′]": TRANSPOSE,
    r"[\w)\]]\s*!(?!=)": "there is no factorial; write its number",
    r"!(?!=)": "use == and != to compare, ~ to turn a mask round",
    r"['\"]": "a string ends on its own line with the quote it began with",
    r"[“”‘’„]": "write straight quotes, and only around text",
    r"[–—]": "this is a dash; minus is -",
    r"÷": "use / to divide",
    r"×": "use @ for a matrix product, * for an elementwise one",
    r"⊗": "use outer(x, y) for two vectors, kron(A, B) for matrices",
    r"±": "write a node for each sign",
    r"†": "use A.T, or pinv(A) for the pseudoinverse",
    r"∏": "use prod(x)",
    r"∛": "use cbrt(x)",
    r"[)\]]\s*_\w": "an entry is written x[i]",
    r"⟨|⟩|<[^<>=]*,[^<>=]*>": "use dot(x, y)",
    r"<>": "use != for what differs",
    r"&&|\w\s*\|\|\s*\w.*$": "masks are joined by & and |",
    r"\d,\d": "a decimal point is written '.'",
    r"\?": "use where(condition, a, b)",
    r";": "write one expression for each node",
    r"\$": "names need no sign in front",
    r"#": "a comment needs a space before it",
    r"\b(?:lambda|for|import|return|def|while)\b\s*\w*": "a node is one expression; `backprop import` reads programs",
}
_HINTS = tuple((re.compile(pattern), hint) for pattern, hint in _ROWS.items())


def meant(text: str, at: int) -> str | None:
    """How it is written here what stands at a place of a text that cannot be read; None where nobody knows."""
    before = max(at - AROUND, 0)
    around, place = text[before : at + AROUND], at - before
    for pattern, hint in _HINTS:
        for match in pattern.finditer(around):
            if match.start() <= place < match.end() + (place == len(around)):
                return match.expand(hint)
    return None
