"""The language as JSON Schema 2020-12, made from the tables that the reader itself uses.

`schema.json` beside this file is what `schema()` gave last, so that `backprop schema` prints it without importing the
functions; `make docs` writes it anew.  A schema sees a document without its places: ragged lists, names that are not
defined, shapes that do not fit are the reader's business.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from backprop_cli.engine.interpret.binding import usage
from backprop_cli.engine.ops import ALIASES, COMPOSITES, OPS, Composite, Op
from backprop_cli.language.arrays import MAX_RANK, MAX_SIZE
from backprop_cli.language.claims import CLAIMS
from backprop_cli.language.expression import MAX_CHARACTERS
from backprop_cli.language.initial import INITS
from backprop_cli.language.layers.kinds import KINDS, RESIDUAL
from backprop_cli.language.layers.plain import ACTIVATIONS
from backprop_cli.language.layers.section import STACK_KEYS
from backprop_cli.language.names import MAX_NAME, RESERVED
from backprop_cli.language.reader import COMPUTING, SECTIONS
from backprop_cli.language.sections import DTYPES
from backprop_cli.language.values import FORMS
from backprop_cli.tasks.schema.words import INIT_WORDS, LAYER_WORDS, LEAF_WORDS, SECTION_WORDS, STACK_WORDS

Schema = dict[str, object]

DIALECT = "https://json-schema.org/draft/2020-12/schema"

_LETTERS = ("A-Za-z_\\u00aa\\u00ba\\u00c0-\\u00d6\\u00d8-\\u00f6\\u00f8-\\u02af\\u0370-\\u03ff\\u1d00-\\u1dbf"
            "\\u1e00-\\u1fff\\u2c60-\\u2c7f\\ua722-\\ua7ff\\uab30-\\uab6f")  # fmt: skip
NAME_PATTERN = f"^[{_LETTERS}][{_LETTERS}0-9\\u0300-\\u036f]*$".encode().decode("unicode_escape")
"""Wider than the grammar by a few rare letters, which JSON Schema has no classes for; marks are for text in NFD."""


def ref(name: str) -> Schema:
    """What `$defs` holds under a name."""
    return {"$ref": f"#/$defs/{name}"}


def described(schema: Schema, text: str) -> Schema:
    """A schema with what an editor shows beside the key."""
    return {"description": text, **schema}


def table(properties: Mapping[str, Schema], required: Iterable[str] = (), **more: object) -> Schema:
    """A mapping with these keys and no others."""
    wanted = {"required": list(required)} if required else {}
    return {"type": "object", "properties": dict(properties), "additionalProperties": False, **wanted, **more}


def by_name(value: Schema, **more: object) -> Schema:
    """A mapping from names of the user's own."""
    return {"type": "object", "propertyNames": ref("name"), "additionalProperties": value, **more}


def one_or_many(item: Schema) -> Schema:
    """A thing, or a list of at least one."""
    return {"anyOf": [item, {"type": "array", "items": item, "minItems": 1}]}


# ── values ───────────────────────────────────────────────────────────────────────────────────────


def definitions() -> Schema:
    """What several keys share."""
    return {
        "name": {"type": "string", "pattern": NAME_PATTERN, "maxLength": MAX_NAME, "not": {"enum": sorted(RESERVED)},
                 "description": "A letter (Latin or Greek) or '_', then letters, digits and '_'."},
        "text": {"type": ["string", "number", "boolean"]},
        "expression": expression(),
        "numbers": {"description": "A number, or a nested list of numbers with rows of one length.",
                    "anyOf": [{"type": "number"}, {"type": "array", "items": ref("numbers")}]},
        "size": {"description": "A whole number from 1, or a name of `dims`.",
                 "anyOf": [{"type": "integer", "minimum": 1, "maximum": MAX_SIZE}, ref("name")]},
        "extent": {"description": "A size, or 0 for an axis without entries.", "anyOf": [ref("size"), {"const": 0}]},
        "shape": {"description": "Sizes of the axes: [2, 3], or names of `dims`: [N, D].",
                  "anyOf": [ref("extent"), {"type": "array", "items": ref("extent"), "maxItems": MAX_RANK}]},
        "seed": {"description": "A number, an array of the output's shape, or `ones`.",
                 "anyOf": [ref("numbers"), {"const": "ones"}]},
        "leaf": {"anyOf": [ref("numbers"), *(form(name) for name in FORMS)]},
        "pass": {"anyOf": [ref("expression"), table({
            "output": described(ref("expression"), "Where the pass starts."),
            "grad_output": described(ref("seed"), "Its seed."),
        }, ["output"])]},
        "function": function(),
        "activation": activation(),
        "layer": layer(),
        "stack": {"description": "Layers, one after the other.", "type": "array", "items": ref("layer"), "minItems": 1},
        "stack_table": table({key: described(_stack_key(key), STACK_WORDS.get(key) or INIT_WORDS[key])
                              for key in STACK_KEYS}, ["stack"]),
    }  # fmt: skip


def expression() -> Schema:
    """An expression; every function is offered for completion."""
    every: Mapping[str, Op | Composite] = {**OPS, **COMPOSITES}
    calls = [(usage(name, one.signature), one.doc) for name, one in sorted(every.items()) if one.group != "operators"]
    aliases = ", ".join(sorted(ALIASES))
    return {
        "description": "An expression: + - * / ** @, comparisons, x.T, x[0], and calls of functions. "
                       f"Other names of some functions: {aliases}.",
        "type": ["string", "number", "boolean"], "minLength": 1, "maxLength": MAX_CHARACTERS,
        "defaultSnippets": [{"label": call, "description": doc, "body": call} for call, doc in calls],
    }  # fmt: skip


def form(main: str) -> Schema:
    """One way to write a leaf as a mapping."""
    keys = {key: described(_leaf_key(key), LEAF_WORDS.get(key) or INIT_WORDS[key]) for key in FORMS[main].keys}
    keys |= {key: described(one_axis() if c.axis else {"type": "boolean"}, c.doc) for key, c in CLAIMS.items()}
    if main != "init":
        return table(keys, [main])
    keys["value"] = described({"type": "number"}, INIT_WORDS["value"])
    return table(keys, [main, "shape"], allOf=[_options_of(name) for name in INITS])


def one_axis() -> Schema:
    """What is said of one axis; `false`: it is not said."""
    return {"anyOf": [{"type": "integer"}, {"const": False}]}


def _leaf_key(key: str) -> Schema:
    kinds: Mapping[str, Schema] = {
        "value": ref("numbers"), "shape": ref("shape"), "file": ref("text"), "key": ref("text"),
        "init": {"enum": list(INITS)}, "seed": {"type": "integer", "minimum": 0},
    }  # fmt: skip
    return kinds.get(key, {"type": "number"})


def _options_of(init: str) -> Schema:
    """The options that go with one kind of start."""
    return {"if": {"properties": {"init": {"const": init}}, "required": ["init"]},
            "then": {"propertyNames": {"enum": ["init", "shape", *CLAIMS, *INITS[init].options]}}}  # fmt: skip


HAND_WRITTEN = ("Its gradient by each argument, written by hand: `grad(out)` is the gradient that arrives, `out` the "
                "value. `check` says whether it is right.")  # fmt: skip


def function() -> Schema:
    """A function of the user's own."""
    return table({
        "args": described(one_or_many(ref("name")), "The names of its arguments."),
        "body": described(ref("expression"), "Its value."),
        "grads": described(by_name(ref("expression")), HAND_WRITTEN),
    }, ["args", "body"])  # fmt: skip


# ── layers ───────────────────────────────────────────────────────────────────────────────────────



def _alike(keys: Iterable[str], value: Schema) -> dict[str, Schema]:
    return {key: dict(value) for key in keys}


_COUNT: Schema = {"type": "integer", "minimum": 0}
_SIZES: list[Schema] = [_COUNT, {"type": "array", "items": _COUNT}]
_WHOLES: Schema = {"anyOf": _SIZES}
_LAYER_KEYS: Mapping[str, Schema] = {
    **_alike(("out", "groups", "num", "dim", "hidden", "heads", "ff"), ref("size")),
    **_alike(("kernel", "stride", "dilation"), _WHOLES),
    "padding": {"anyOf": [*_SIZES, {"const": "same"}]},
    **_alike(("bias", "affine", "causal"), {"type": "boolean"}),
    **_alike(("eps", "p", "negative_slope", "alpha", "beta", "min_val", "max_val"), {"type": "number"}),
    **_alike(("name", "mask"), ref("name")),
    "activation": ref("activation"), "init": {"enum": list(INITS)},
    "seed": {"type": "integer", "minimum": 0},
    **_alike(("std", "mean", "low", "high", "gain", "value"), {"type": "number"}),
}  # fmt: skip
"""Options of layers by name; one that is not here may hold any scalar."""


def _layer_key(key: str) -> Schema:
    return described(_LAYER_KEYS.get(key, ref("text")), LAYER_WORDS.get(key) or INIT_WORDS.get(key) or f"The {key}.")


def _stack_key(key: str) -> Schema:
    kinds = {"stack": ref("stack"), "input": ref("name"), "shape": ref("shape")}
    return kinds[key] if key in kinds else _LAYER_KEYS[key]


def activation() -> Schema:
    """A function behind a layer: its name, or its name with a parameter."""
    calls = {name: described(_short(keys), f"{name} with its parameters.") for name, keys in ACTIVATIONS.items()}
    return {"anyOf": [{"enum": list(calls)}, table(calls, minProperties=1, maxProperties=1)]}


def _short(keys: tuple[str, ...]) -> Schema:
    """Options of a layer; a value alone is the first of them."""
    options = table({key: _layer_key(key) for key in keys})
    alone = [{key: value for key, value in _layer_key(keys[0]).items() if key != "description"}] if keys else []
    return {"anyOf": [{"type": "null"}, options, *alone]}


def layer() -> Schema:
    """A layer: a word, or a word with its options."""
    words = {name: _with_options(name) for name in KINDS}
    words[RESIDUAL] = described(ref("stack"), "What flows in is added to what its layers make of it.")
    return {"anyOf": [{"enum": list(KINDS)}, table(words, minProperties=1, maxProperties=1)]}


def _with_options(name: str) -> Schema:
    kind = KINDS[name]
    options = table({key: _layer_key(key) for key in kind.options})
    first = [{k: v for k, v in _layer_key(kind.keys[0]).items() if k != "description"}] if kind.keys else []
    return {"description": f"{name}({', '.join(kind.options)})", "anyOf": [{"type": "null"}, options, *first]}


# ── the spec ─────────────────────────────────────────────────────────────────────────────────────

_VALUES: Mapping[str, Schema] = {
    "title": ref("text"), "description": ref("text"), "dtype": {"enum": list(DTYPES)},
    "dims": by_name({"type": "integer", "minimum": 1, "maximum": MAX_SIZE}),
    "inputs": by_name(ref("leaf")), "params": by_name(ref("leaf")), "nodes": by_name(ref("expression")),
    "layers": {"anyOf": [ref("stack"), ref("stack_table"), by_name({"anyOf": [ref("stack"), ref("stack_table")]})]},
    "functions": by_name(ref("function")), "output": ref("expression"), "grad_output": ref("seed"),
    "wrt": one_or_many(ref("text")), "hooks": by_name(ref("expression")),
    "backward": {"type": "array", "items": ref("pass"), "minItems": 1},
}  # fmt: skip


def schema() -> Schema:
    """The schema of a spec."""
    keys = {key: described(_VALUES[key], SECTION_WORDS[key]) for key in SECTIONS}
    return {
        "$schema": DIALECT, "title": "backprop spec",
        "description": "A network whose gradients `backprop` derives, as formulas and as numbers.",
        **table(keys), "anyOf": [{"required": [key]} for key in COMPUTING],
        "not": {"required": ["grad_output", "backward"]}, "$defs": definitions(),
    }  # fmt: skip


def text() -> str:
    """The schema as the file holds it."""
    import json

    return json.dumps(schema(), indent=1, ensure_ascii=False) + "\n"
