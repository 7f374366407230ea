"""Checks of static parameters: each returns the value in its plain form, or says what would be right."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import TypeVar

from backprop_cli.engine.ops.shapes import ParameterError

T = TypeVar("T")


def whole(name: str, value: object, least: int | None = None) -> int:
    """An integer, at least `least`.

    Raises:
        ParameterError: it is none, or too small.
    """
    if isinstance(value, bool) or not isinstance(value, int):
        raise ParameterError(name, f"{name} is a whole number, not {shown(value)}")
    if least is not None and value < least:
        raise ParameterError(name, f"{name} must be at least {least}, not {value}")
    return value


def wholes(name: str, value: object, length: int, least: int | None = None) -> tuple[int, ...]:
    """`length` integers: a tuple of them, or one for all."""
    listed = tuple(value) if isinstance(value, Sequence) and not isinstance(value, str) else (value,)
    if len(listed) not in (1, length):
        raise ParameterError(name, f"{name} is one whole number or {length} of them, not {shown(value)}")
    checked = tuple(whole(name, item, least) for item in listed)
    return checked if len(checked) == length else checked * length


def number(name: str, value: object, least: float | None = None) -> float | Fraction:
    """A real number, at least `least`."""
    if isinstance(value, bool) or not isinstance(value, (int, float, Fraction)) or math.isnan(value):
        raise ParameterError(name, f"{name} is a number, not {shown(value)}")
    if least is not None and value < least:
        raise ParameterError(name, f"{name} must be at least {least}, not {shown(value)}")
    return value


def choice(name: str, value: object, options: Mapping[T, object] | Sequence[T]) -> T:
    """One of several words."""
    for option in options:
        if option == value:
            return option
    listed = ", ".join(repr(option) for option in options)
    raise ParameterError(name, f"{name} is one of {listed}, not {shown(value)}")


def flag(name: str, value: object) -> bool:
    """true or false; a number in its place is most likely meant for another parameter."""
    if not isinstance(value, bool):
        raise ParameterError(name, f"{name} is true or false, not {shown(value)}")
    return value


def whole_or_wholes(name: str, value: object) -> int | tuple[int, ...]:
    """An integer, or a tuple of them: axes, a shape, the strides of a window."""
    if isinstance(value, tuple):
        return tuple(whole(name, item) for item in value)
    return whole(name, value)


def order(name: str, value: object) -> float | Fraction | str:
    """The order of a norm: a number, or a word."""
    return value if isinstance(value, str) else number(name, value)


def word(name: str, value: object) -> str:
    """A string."""
    if not isinstance(value, str):
        raise ParameterError(name, f"{name} is a word in quotes, not {shown(value)}")
    return value


def spacing(name: str, value: object) -> int | tuple[int, ...] | str:
    """Integers, or a word such as 'same'."""
    return value if isinstance(value, str) else whole_or_wholes(name, value)


def anything(name: str, value: object) -> object:
    """A parameter with a form of its own, which its function checks."""
    return value


_KINDS: Mapping[Callable[[str, object], object], str] = {
    number: "alpha beta bias constant_values delta divisor_override dropout_p eps label_smoothing margin max_val "
            "correction ddof min_val dx lambd nan neginf posinf maxnorm momentum negative_slope p rcond scale "
            "ratio threshold value",
    whole: "axis1 axis2 end_dim groups ignore_index k m n num_groups offset part r repeats "
           "padding_idx start start_dim step stop upscale_factor "
           "downscale_factor window_shape",
    whole_or_wholes: "axes axis chunks destination dilation kernel_size normalized_shape output_padding reps "
                     "sections shape shift sizes source stride",
    flag: "align_corners ceil_mode count_include_pad descending full hermitian increasing is_causal keepdims largest "
          "left log_input log_target swap training unbiased upper use_input_stats with_replacement "
          "include_self recompute_scale_factor",
    word: "approximate indexing method mode reduction subscripts uplo",
    spacing: "padding", order: "ord",
    anything: "index output_size over pad pad_width q rounding_mode scale_factor size",
}  # fmt: skip
KIND = {name: kind for kind, names in _KINDS.items() for name in names.split()}
"""What a parameter of this name is, in every function that has one."""


def check_parameters(parameters: Mapping[str, object], defaults: Mapping[str, object]) -> None:
    """The type of every parameter; `none` only where that is the default, a choice, or means all axes.

    Raises:
        ParameterError: one is something else.
    """
    for name, value in parameters.items():
        if value is not None or defaults.get(name) not in (None, "none", "mean") and name != "axis":
            KIND[name](name, value)


def shown(value: object) -> str:
    """A value as the language writes it."""
    words = {None: "none", True: "true", False: "false"}
    if value is None or isinstance(value, bool):
        return words[value]
    if isinstance(value, Fraction):
        return str(float(value))
    if isinstance(value, tuple):
        return "(" + ", ".join(map(shown, value)) + ("," if len(value) == 1 else "") + ")"
    return repr(int(value)) if isinstance(value, int) else repr(value)
