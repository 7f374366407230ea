"""`check`: independent answers for every gradient, and whether they agree.

    reverse pass    the rules, in numbers                                    the answer that is checked
    formula         the printed `code` text, parsed back and evaluated       proves algebra and printer
    differences     central differences of the output, entry by entry        proves the rules
    entries         sympy.diff of the output written out, where small        proves the rules, without rounding

A formula and a value that agree prove nothing about a rule: both come from it.
"""

from backprop_cli.tasks.checks.report import CheckSettings, check
from backprop_cli.tasks.checks.results import Answer, CheckReport, CheckResult, FunctionResult

__all__ = ["Answer", "CheckReport", "CheckResult", "CheckSettings", "FunctionResult", "check"]
