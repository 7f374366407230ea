"""The shape of the code: imports point down, dangerous calls are absent, every test says its rule."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "backprop_cli"
FILES = sorted(PACKAGE.rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("test_*.py"))

FLOORS: tuple[tuple[str, ...], ...] = (
    ("errors", "records", "notices"),
    ("language",),
    ("engine.ops",),
    ("engine.interpret", "engine.normal", "engine.reverse"),
    ("engine.custom",),
    ("engine.graph",),
    ("engine.passes",),
    ("engine.numbers", "engine.rows", "engine.singular", "engine.sparing"),
    ("formulas.printed", "formulas.marks", "formulas.algebra"),
    ("formulas.long_sums", "formulas.spoken", "formulas.symbols", "formulas.tensors", "formulas.entries"),
    ("formulas.notation",),
    ("formulas.compact",),
    ("formulas.formulation", "formulas.formulate", "formulas.linear", "formulas.jacobian", "formulas.tangents"),
    ("formulas.worked", "formulas.reasons", "formulas.remarks", "formulas.words"),
    ("formulas.derivation", "formulas.stepwise", "formulas.closing", "formulas.laws_in_words"),
    ("tasks.result", "tasks.computed", "tasks.places", "tasks.listing"),
    ("tasks.diagnose", "tasks.opdoc", "tasks.claims"),
    ("tasks.leaves",),
    ("tasks.at_hand",),
    ("tasks.calculate", "tasks.forward"),
    ("tasks.checks", "tasks.grading", "tasks.export", "tasks.schema", "tasks.importing", "tasks.stepping"),
    ("tasks.jacobian",),
    ("report",),
    ("api",),
    ("cli", "__main__"),
)
"""From the ground up; a module imports from its own floor or from one below. docs/architecture.md tells why."""

ROOMS = {"tasks.importing": ("state", "arrays", "exercise", "data", "networks", "library", "python")}
"""A floor's own storeys, from the ground up; the files beside these folders stand on top of them."""

FORBIDDEN_IMPORTS = {
    "yaml": ("language.loader",),  # the event guard stands in front of it
    "sympy": ("formulas", "tasks.checks", "cli.stand_ins"),
    "click": ("cli",),
    "dataclasses": ("records", "report.functions"),  # it compiles six methods a class; see there
}
"""Who alone may import a library."""

NO_NUMPY = ("errors", "engine.graph", "engine.passes", "engine.reverse", "engine.interpret", "language.expression",
            "language.loader", "language.source", "formulas.notation")  # fmt: skip
"""What deals with text, or is generic in the meaning, does not know arrays."""

FORBIDDEN_CALLS = {"eval", "exec", "compile", "sympify", "parse_expr", "lambdify", "__import__"}
FORBIDDEN_MODULES = {"pickle", "marshal", "shelve", "urllib", "socket", "http"}


def module_of(path: Path) -> str:
    """`backprop_cli/language/loader.py` is `spec.loader`; a package's own file is the package."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


WINGS = ("engine", "formulas", "tasks")
"""Folders of several floors; their own files say what they hold, and import nothing."""

MODULES = {module_of(path): path for path in FILES}


@cache
def tree_of(path: Path) -> ast.Module:
    """The parsed file."""
    return ast.parse(path.read_text(encoding="utf-8"))


@cache
def nodes_of(path: Path) -> tuple[ast.AST, ...]:
    """Every node of the file: several rules look through them."""
    return tuple(ast.walk(tree_of(path)))


def _stated(node: ast.AST) -> Iterator[ast.AST]:
    """All statements in a tree, those in functions too: an import is one, and expressions are most of a tree."""
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, ast.expr):
            yield child
            yield from _stated(child)


def _for_types(node: ast.AST) -> bool:
    """Whether it is `if TYPE_CHECKING`."""
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def _runtime(node: ast.AST) -> Iterator[ast.AST]:
    """The statements of a tree but those under `if TYPE_CHECKING`."""
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, ast.expr) and not _for_types(child):
            yield child
            yield from _runtime(child)


def _at_import(node: ast.AST) -> Iterator[ast.AST]:
    """The statements of a tree that run when the file is imported."""
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, ast.FunctionDef | ast.expr) and not _for_types(child):
            yield child
            yield from _at_import(child)


@cache
def imports(path: Path, walk: Callable[[ast.AST], Iterator[ast.AST]] = _runtime) -> frozenset[str]:
    """Every module a file imports, by default also inside functions: `numpy`, `backprop_cli.language.model`."""
    found: set[str] = set()
    for node in walk(tree_of(path)):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno} is a relative import"
            whole = {f"{node.module}.{alias.name}" for alias in node.names}
            modules = {name for name in whole if name.removeprefix("backprop_cli.") in MODULES}
            found.update(modules or {node.module or ""})
    return frozenset(found)


def own_imports(path: Path, walk: Callable[[ast.AST], Iterator[ast.AST]] = _runtime) -> set[str]:
    """The modules of the package that a file imports, without the package's name."""
    return {name.removeprefix("backprop_cli.") for name in imports(path, walk) if name.startswith("backprop_cli.")}


def under(module: str, prefixes: tuple[str, ...]) -> bool:
    """Whether a module is one of these, or stands inside one."""
    return any(module == prefix or module.startswith(prefix + ".") for prefix in prefixes)


def floor_of(module: str) -> int:
    """The floor a module stands on."""
    return next((i for i, prefixes in enumerate(FLOORS) if under(module, prefixes)), -1)


def test_every_module_has_a_floor() -> None:
    """A new one is added to FLOORS, and to docs/architecture.md."""
    assert not [module for module in MODULES if module and module not in WINGS and floor_of(module) < 0]


def test_imports_point_down() -> None:
    """A module imports nothing from a floor above its own."""
    upward = {module: {m for m in own_imports(path) if floor_of(m) > floor_of(module)}
              for module, path in MODULES.items() if module and module not in WINGS}  # fmt: skip
    assert not {module: above for module, above in upward.items() if above}


def room_of(module: str, house: str) -> int:
    """The storey of its house that a module stands on; the house's own files are the roof."""
    rooms = ROOMS[house]
    return next((i for i, room in enumerate(rooms) if under(module, (f"{house}.{room}",))), len(rooms))


@pytest.mark.parametrize("house", ROOMS)
def test_imports_point_down_inside_a_house(house: str) -> None:
    """Inside a large folder, too, a module imports nothing from a storey above its own."""
    inside = [m for m in MODULES if under(m, (house,))]
    upward = {module: {m for m in own_imports(MODULES[module], _stated)
                       if under(m, (house,)) and room_of(m, house) > room_of(module, house)}
              for module in inside if module != house}  # fmt: skip
    assert not {module: above for module, above in upward.items() if above}
    assert all((PACKAGE.joinpath(*house.split("."), room) / "__init__.py").exists() for room in ROOMS[house])


def test_rooms_are_documented() -> None:
    """docs/architecture.md lists the storeys of each house in their order."""
    page = " ".join((ROOT / "docs" / "architecture.md").read_text(encoding="utf-8").split())
    for house, rooms in ROOMS.items():
        assert " → ".join(f"`{room}`" for room in rooms) in page, house


def test_floors_are_documented() -> None:
    """docs/architecture.md has a row for each floor, in the same order, with its modules."""
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    rows = [line.split("|")[1:3] for line in page.splitlines() if line.startswith("| ") and line[2].isdigit()]
    told = {int(number): tuple(cell.strip(" `") for cell in modules.split(",")) for number, modules in rows}
    assert told == dict(enumerate(FLOORS))


def _named_paths(page: Path) -> Iterator[str]:
    """Every path in the backticks and links of a page: with a slash, or the ending of a file of ours."""
    text = page.read_text(encoding="utf-8")
    for quoted in (*re.findall(r"`([^`\n]+)`", text), *re.findall(r"\]\(([^)#]+)\)", text)):
        if re.fullmatch(r"[\w.-]+(/[\w.*{},-]+)*(\.(py|md|toml|yaml|json)|/)", quoted):
            yield quoted


def _exists(name: str, page: Path) -> bool:
    """From the root, beside the page, inside the package, or (a lone file) anywhere in the package."""
    near = (ROOT, page.parent, PACKAGE, ROOT / "docs")
    return any((base / name).exists() for base in near) or "/" not in name and any(PACKAGE.rglob(name))


@pytest.mark.parametrize("page", [ROOT / "CONTRIBUTING.md", ROOT / "docs" / "architecture.md"], ids=lambda p: p.stem)
def test_files_that_the_documentation_names_exist(page: Path) -> None:
    """A newcomer finds each file where the page says it is."""
    named = sorted(set(_named_paths(page)))
    assert len(named) > 5
    assert not [name for name in named if not _exists(name, page)]


def test_tables_that_contributing_names_exist() -> None:
    """A row goes into a table of that name, which some module of the package defines."""
    named = set(re.findall(r"`([A-Z][A-Z_]{3,})`", (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")))
    whole = "\n".join(path.read_text(encoding="utf-8") for path in FILES)
    assert named
    assert not [name for name in sorted(named) if not re.search(rf"^{name}\b", whole, re.MULTILINE)]


def test_no_import_cycles() -> None:
    """No module needs itself in order to be imported."""
    done: set[str] = set()

    def visit(module: str, path: tuple[str, ...]) -> None:
        assert module not in path, f"import cycle: {' -> '.join((*path[path.index(module):], module))}"
        if module not in done:
            for imported in own_imports(MODULES[module], _at_import) & MODULES.keys():
                visit(imported, (*path, module))
            done.add(module)

    for module in MODULES:
        visit(module, ())


def circles() -> list[set[str]]:
    """The groups of modules that lead to each other by imports of any kind: inside functions, for types alone."""
    needs = {m: own_imports(path, _stated) & MODULES.keys() - {m} for m, path in MODULES.items()}
    reach: dict[str, set[str]] = {}
    for module in needs:
        found, pending = set(), [module]
        while pending:
            new = needs[pending.pop()] - found
            found |= new
            pending += new
        reach[module] = found
    return [{m for m in reach[module] if module in reach[m]} for module in reach if module in reach[module]]


def test_nothing_leads_back_to_itself() -> None:
    """However it imports, inside a function or for types alone, no module leads back to itself."""
    assert not [sorted(circle) for circle in circles()]


@pytest.mark.parametrize(("library", "allowed"), FORBIDDEN_IMPORTS.items())
def test_library_stays_in_its_place(library: str, allowed: tuple[str, ...]) -> None:
    """Each third-party library is imported in its own corner only."""
    users = {m for m, path in MODULES.items() if any(i.split(".")[0] == library for i in imports(path))}
    assert {m for m in users if not under(m, allowed)} == set()


def test_generic_code_knows_no_arrays() -> None:
    """The engine and the language import no numpy."""
    generic = [m for m in MODULES if under(m, NO_NUMPY)]
    assert generic
    assert not [m for m in generic if {i.split(".")[0] for i in imports(MODULES[m])} & {"numpy"}]


def forbidden(path: Path) -> set[str]:
    """What a file calls or imports that could run text, unpickle, or open a connection."""
    functions = [node.func for node in nodes_of(path) if isinstance(node, ast.Call)]
    named = {f: f.attr if isinstance(f, ast.Attribute) else getattr(f, "id", "") for f in functions}
    called = {name for f, name in named.items() if name in FORBIDDEN_CALLS and ast.unparse(f) != "re.compile"}
    return called | {i.split(".")[0] for i in imports(path)} & FORBIDDEN_MODULES


def test_nothing_runs_user_text() -> None:
    """No call in the package compiles or evaluates text, unpickles, or opens a connection."""
    assert not {module: found for module, path in MODULES.items() if (found := forbidden(path))}


PRINTERS = [m for m in MODULES
            if under(m, ("formulas.notation",)) or m in {"formulas.tangents", "formulas.linear.indices"}]  # fmt: skip
BUILDS = {"Add", "Mul", "Pow", "expand_mul", "factor_terms", "cancel", "split_sum", "swap", "tidy", "recognised"}


@pytest.mark.parametrize("module", [m for m in PRINTERS if under(m, ("formulas.notation",))])
def test_printers_do_no_algebra(module: str) -> None:
    """What is printed is ordered and signed by `algebra.for_print`; a notation only writes it."""
    calls = {node.func.id for node in nodes_of(MODULES[module])
             if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}  # fmt: skip
    assert not calls & BUILDS


@pytest.mark.parametrize("module", PRINTERS)
def test_a_walk_never_asks_which_notation_it_is_in(module: str) -> None:
    """It asks for tokens: no comparison with a certain notation, by identity, name or class."""
    compared = {ast.unparse(part) for node in nodes_of(MODULES[module]) if isinstance(node, ast.Compare)
                for part in (node.left, *node.comparators)}  # fmt: skip
    assert not {c for c in compared if c in {"CODE", "LATEX", "MATHML", "TEXT"} or c.startswith("NOTATIONS[")}
    assert not [c for c in compared if c == "self.notation" or c.endswith(".notation")]


def test_help_imports_click_alone() -> None:
    """`backprop --help` and `--version` import neither numpy, sympy nor yaml: start-up is a promise."""
    code = ("import sys; from backprop_cli.cli.boundary import invoke; invoke(sys.argv[1:])\n"
            "print(sorted({'numpy', 'sympy', 'yaml'} & sys.modules.keys()), file=sys.stderr)")  # fmt: skip
    for option in ("--help", "--version"):
        command = [sys.executable, "-c", code, option]
        done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
        assert done.stderr.strip() == "[]", option


def _functions(path: Path) -> Iterator[ast.FunctionDef]:
    yield from (n for n in nodes_of(path) if isinstance(n, ast.FunctionDef))


def _tests() -> Iterator[tuple[str, ast.FunctionDef]]:
    yield from ((f"{path.stem}::{f.name}", f) for path in TESTS for f in _functions(path) if f.name.startswith("test"))


def test_every_test_states_its_rule() -> None:
    """A test's docstring says in a sentence what must hold."""
    assert not [name for name, f in _tests() if not ast.get_docstring(f)]


def test_every_test_can_fail() -> None:
    """A test asserts, expects an exception, or calls a helper whose name says that it checks."""
    words = ("assert", "pytest.raises", "assert_", "agrees", "check", "expect", "same", "compare", "fails", "visit",
             "read_back")
    assert not [name for name, f in _tests() if not any(word in ast.unparse(f) for word in words)]


def test_hypothesis_is_asked_in_one_place() -> None:
    """A test that draws is seeded, or searched for long: `tests/draws.py` has both."""
    asking = {path.name for path in (ROOT / "tests").rglob("*.py") if "from hypothesis" in path.read_text("utf-8")}
    assert asking - {Path(__file__).name} == {"draws.py"}


def test_sizes_are_reported(record_property: pytest.RecordProperty) -> None:
    """Files stay under 700 lines and functions under 100; the norms (300 and 20) are reported, not enforced."""
    lines = {str(path.relative_to(ROOT)): len(path.read_text(encoding="utf-8").splitlines()) for path in FILES}
    functions = {f"{path.relative_to(ROOT)}:{f.lineno} {f.name}": (f.end_lineno or f.lineno) - f.lineno + 1
                 for path in FILES for f in _functions(path)}  # fmt: skip
    record_property("files over 300 lines", sorted(name for name, n in lines.items() if n > 300))
    record_property("functions over 20 lines", sorted(name for name, n in functions.items() if n > 20))
    assert {name: n for name, n in lines.items() if n > 700} == {}
    assert {name: n for name, n in functions.items() if n > 100} == {}
