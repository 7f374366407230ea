"""The gradient of a spec, as a spec."""

from __future__ import annotations

from backprop_cli.language.model import Spec
from backprop_cli.language.writer import write
from backprop_cli.tasks.export.gradient import gradient_spec


def export(spec: Spec, of: str | None) -> str:
    """The YAML, with a comment that says what it is."""
    made = gradient_spec(spec, of)
    goes_back = made.output[1].text if made.output else made.nodes[-1].name
    file = printable(spec.source.file)
    return write(made, (f"The gradient of {file}: a node grad_w for the gradient by each node w.",
                        f"It goes back from {goes_back} (or what --of says): its gradients are second derivatives."))


def printable(text: str) -> str:
    """Text that cannot leave the comment it stands in."""
    return "".join(character if character.isprintable() else "?" for character in text)
