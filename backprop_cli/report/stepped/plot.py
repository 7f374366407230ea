"""The loss over the steps as an SVG of our own: axes, ticks, one line; logarithmic where it spans more than 100."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from html import escape

from backprop_cli.records import dataclass
from backprop_cli.report.plain import safe
from backprop_cli.tasks.stepping.results import Moment, Stepped

WIDTH, HEIGHT = 640, 360
LEFT, RIGHT, TOP, BOTTOM = 76, 16, 36, 44
MOST_POINTS = 2000

STYLE = (
    "text{font:12px sans-serif;fill:#222}.axis{stroke:#888}.grid{stroke:#ddd}"
    ".loss{fill:none;stroke:#1f6feb;stroke-width:1.5}"
    "@media(prefers-color-scheme:dark){text{fill:#ddd}.grid{stroke:#444}.loss{stroke:#79b8ff}}"
)


@dataclass(frozen=True, slots=True)
class Scale:
    """From a value to a position on an axis."""

    low: float
    high: float
    start: float
    end: float
    log: bool = False

    def __call__(self, value: float) -> float:
        """The position."""
        low, high, at = map(self.read, (self.low, self.high, value))
        share = (at - low) / (high - low) if high > low else 0.5
        return self.start + share * (self.end - self.start)

    def read(self, value: float) -> float:
        """The value as the axis counts it."""
        return math.log10(value) if self.log else value

    def ticks(self) -> list[float]:
        """Round values along the axis."""
        return _powers(self.low, self.high) if self.log else _round_values(self.low, self.high)


def _powers(low: float, high: float) -> list[float]:
    first, last = math.ceil(math.log10(low)), math.floor(math.log10(high))
    step = max(1, (last - first) // 6)
    return [10.0**power for power in range(first, last + 1, step)]


def _round_values(low: float, high: float) -> list[float]:
    if high <= low:
        return [low]
    rough = (high - low) / 5
    unit = 10 ** math.floor(math.log10(rough))
    step = next(unit * m for m in (1, 2, 5, 10) if unit * m >= rough)
    return [step * i for i in range(math.ceil(low / step), math.floor(high / step) + 1)]


def render(result: Stepped) -> str:
    """The whole picture."""
    history = [moment for moment in result.history if math.isfinite(moment.loss)]
    x, y = _scales(history)
    title = f"{result.output} over {result.history[-1].step} steps of {result.rule}"
    size = f'viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="plot" {size} role="img">',
        f"<title>{_text(title)}</title><style>{STYLE}</style>",
        f'<text x="{LEFT}" y="22">{_text(title)}</text>',
        *_axes(x, y), *_line(history, x, y), "</svg>",
    ]  # fmt: skip
    return "\n".join(parts) + "\n"


def _scales(history: Sequence[Moment]) -> tuple[Scale, Scale]:
    losses = [moment.loss for moment in history] or [0.0]
    last = history[-1].step if history else 1
    low, high = min(losses), max(losses)
    log = low > 0 and high / low > 100
    return Scale(0, max(1, last), LEFT, WIDTH - RIGHT), Scale(low, high, HEIGHT - BOTTOM, TOP, log)


def _axes(x: Scale, y: Scale) -> Iterator[str]:
    for tick in y.ticks():
        at = f"{y(tick):.1f}"
        yield f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{at}" y2="{at}"/>'
        yield f'<text x="{LEFT - 8}" y="{y(tick) + 4:.1f}" text-anchor="end">{tick:.4g}</text>'
    for tick in x.ticks():
        yield f'<text x="{x(tick):.1f}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">{tick:.6g}</text>'
    bottom = HEIGHT - BOTTOM
    yield f'<path class="axis" fill="none" d="M{LEFT} {TOP}V{bottom}H{WIDTH - RIGHT}"/>'
    yield f'<text x="{(LEFT + WIDTH - RIGHT) / 2:.1f}" y="{HEIGHT - 8}" text-anchor="middle">step</text>'


def _line(history: Sequence[Moment], x: Scale, y: Scale) -> Iterator[str]:
    thin = history[:: max(1, len(history) // MOST_POINTS)]
    points = " ".join(f"{x(m.step):.1f},{y(m.loss):.1f}" for m in [*thin, *history[-1:]])
    yield f'<polyline class="loss" points="{points}"/>'


def _text(text: str) -> str:
    return escape(safe(text))
