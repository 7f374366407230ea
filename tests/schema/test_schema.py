"""The JSON Schema: what loads validates, what is wrong in structure does not, and the shipped file is current."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from backprop_cli.errors import BackpropError
from backprop_cli.language.reader import SECTIONS, load_spec
from backprop_cli.tasks.schema import build

ROOT = Path(__file__).parents[2]
GOOD = sorted([*(ROOT / "specs").rglob("*.yaml"), *(ROOT / "tests" / "corpus").rglob("*.yaml")])

BAD = {
    "unknown section": "parms: {w: 1}\nnodes: {y: w}",
    "no nodes": "params: {w: 1}",
    "a list": "[1, 2]",
    "text as a value": "params: {w: one}\nnodes: {y: w}",
    "true in an array": "params: {w: [1, true]}\nnodes: {y: w}",
    "nothing as a value": "params: {w: }\nnodes: {y: w}",
    "a text in a list": "params: {w: [a]}\nnodes: {y: w}",
    "a bad name": "params: {2w: 1}\nnodes: {y: w}",
    "a reserved name": "params: {grad: 1}\nnodes: {y: w}",
    "a Cyrillic name": "params: {а: 1}\nnodes: {y: w}",
    "a long name": f"params: {{{'a' * 65}: 1}}\nnodes: {{y: w}}",
    "a list as an expression": "params: {w: 1}\nnodes: {y: [w]}",
    "an empty expression": "params: {w: 1}\nnodes: {y: ''}",
    "an unknown key of a leaf": "params: {w: {shape: [2], int: normal}}\nnodes: {y: w}",
    "init without shape": "params: {w: {init: normal}}\nnodes: {y: w}",
    "an unknown init": "params: {w: {shape: [2], init: norm}}\nnodes: {y: w}",
    "an option of another init": "params: {w: {shape: [2], init: zeros, std: 2}}\nnodes: {y: w}",
    "a negative size": "params: {w: {shape: [-1]}}\nnodes: {y: w}",
    "nine axes": "params: {w: {shape: [1, 1, 1, 1, 1, 1, 1, 1, 1]}}\nnodes: {y: w}",
    "a file with a value": "params: {w: {file: w.npy, value: 1}}\nnodes: {y: w}",
    "an unknown dtype": "dtype: float16\nparams: {w: 1}\nnodes: {y: w}",
    "a size that is text": "dims: {N: five}\nparams: {w: 1}\nnodes: {y: w}",
    "a function without a body": "functions: {f: {args: [x]}}\nparams: {w: 1}\nnodes: {y: w}",
    "an unknown key of a function": "functions: {f: {args: [x], body: x, gard: {x: 1}}}\nparams: {w: 1}\nnodes: {y: w}",
    "an empty backward": "params: {w: 1}\nnodes: {y: w}\nbackward: []",
    "a pass without an output": "params: {w: 1}\nnodes: {y: w}\nbackward: [{grad_output: 1}]",
    "backward with a seed": "params: {w: 1}\nnodes: {y: w}\nbackward: [y]\ngrad_output: 1",
    "text as a seed": "params: {w: 1}\nnodes: {y: w}\ngrad_output: one",
    "an unknown layer": "inputs: {x: [1, 2]}\nlayers: [{linaer: 2}]",
    "an unknown option of a layer": "inputs: {x: [1, 2]}\nlayers: [{linear: {out: 2, bais: false}}]",
    "an option of the wrong type": "inputs: {x: [1, 2]}\nlayers: [{linear: {out: 2, bias: 0}}]",
    "layers without layers": "inputs: {x: [1, 2]}\nlayers: []",
    "hooks as a list": "params: {w: 1}\nnodes: {y: w}\nhooks: [y]",
}


def test_the_shipped_file_is_what_the_code_makes() -> None:
    """Rule: `backprop schema` prints the schema of this version (`make docs` writes it)."""
    shipped = (ROOT / "backprop_cli" / "tasks" / "schema" / "schema.json").read_text(encoding="utf-8")
    assert shipped == build.text()


def test_the_schema_is_one(complaints) -> None:
    """Rule: the schema is valid by the dialect it names, and knows every section of the reader."""
    jsonschema = pytest.importorskip("jsonschema")
    made = build.schema()
    jsonschema.Draft202012Validator.check_schema(made)
    assert list(made["properties"]) == list(SECTIONS)


def test_every_key_is_described() -> None:
    """Rule: an editor has a sentence for every key it completes."""

    def silent(part: object, path: str) -> list[str]:
        if isinstance(part, list):
            return [found for item in part for found in silent(item, path)]
        if not isinstance(part, dict):
            return []
        own = [f"{path}/{key}" for key, value in part.get("properties", {}).items()
               if "if" not in path and not value.get("description")]  # fmt: skip
        return own + [found for key, value in part.items() for found in silent(value, f"{path}/{key}")]

    assert silent(build.schema(), "") == []


@pytest.mark.parametrize("path", GOOD, ids=lambda path: path.stem)
def test_what_loads_validates(path: Path, complaints) -> None:
    """Rule: a spec that the reader takes has no complaint from the schema."""
    try:
        load_spec(str(path))
    except BackpropError:
        return
    assert complaints(path.read_bytes()) == []


@pytest.mark.parametrize("name", BAD)
def test_what_is_wrong_in_structure_does_not_validate(name: str, complaints, spec_of) -> None:
    """Rule: what the reader refuses for its structure, the schema refuses too."""
    with pytest.raises(BackpropError):
        spec_of(BAD[name])
    assert complaints(BAD[name].encode())


def test_schema_is_printed_and_written(backprop, tmp_path: Path) -> None:
    """Rule: `backprop schema` prints JSON; `-o` writes the same."""
    done = backprop("schema")
    assert (done.code, done.err) == (0, "")
    assert json.loads(done.out)["$schema"] == build.DIALECT
    assert backprop("schema", "-o", tmp_path / "s.json").code == 0
    assert (tmp_path / "s.json").read_text(encoding="utf-8") == done.out
