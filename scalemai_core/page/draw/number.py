"""How numbers are written for people; a missing one is a dash, never ``None`` or ``nan``."""

from __future__ import annotations

import math

MISSING = "\u2013"
_SPACE = "\u00a0"  # keeps a number and its unit on one line
_MINUS = "\u2212"  # as wide as the plus sign, so that columns align
_SMALLEST_SHARE = 0.0005
_SMALLEST_PROBABILITY = 0.005
_MINUTE, _HOUR = 60, 3600
_TEN, _HUNDRED = 10, 100


def is_missing(value: float | None) -> bool:
    """Nothing was measured."""
    return value is None or math.isnan(value)


def count(value: float | None) -> str:
    """``1,204``."""
    return MISSING if value is None or math.isnan(value) else f"{value:,.0f}"


def dice(value: float | None) -> str:
    """``0.934``."""
    return MISSING if value is None or math.isnan(value) else f"{value:.3f}"


def change(value: float | None) -> str:
    """A difference of Dice with its sign: ``+0.063``; what rounds to nothing has none."""
    if value is None or math.isnan(value):
        return MISSING
    text = f"{abs(value):.3f}"
    if float(text) == 0:
        return text
    return ("+" if value > 0 else _MINUS) + text


def percent(share: float | None) -> str:
    """``2.4 %`` of a share in 0..1; nearly nothing is ``<0.1 %``, nearly all ``>99.9 %``."""
    if share is None or math.isnan(share):
        return MISSING
    if 0 < share < _SMALLEST_SHARE:
        return f"<0.1{_SPACE}%"
    if 1 - _SMALLEST_SHARE <= share < 1:
        return f">99.9{_SPACE}%"
    return f"{100 * share:.1f}{_SPACE}%".replace("-", _MINUS)


def percents(low: float | None, high: float | None) -> str:
    """The interval ``85.7-99.5 %`` of a share in 0..1, with a longer dash."""
    if low is None or high is None or math.isnan(low) or math.isnan(high):
        return MISSING
    return f"{100 * low:.1f}\u2013{100 * high:.1f}{_SPACE}%"


def threshold(value: float) -> str:
    """A probability at which something is cut, ``4.2 %``: two digits however small it is."""
    if value >= 1 - _SMALLEST_PROBABILITY:
        return f">99{_SPACE}%"
    at = 100 * value
    digits = 0 if at >= _TEN else max(1, 1 - math.floor(math.log10(at)))
    return f"{at:.{digits}f}{_SPACE}%"


def rate(value: float | None) -> str:
    """So many a scan, on average: ``0.62`` or ``12.4``; nearly nothing is ``<0.01``."""
    if value is None or math.isnan(value):
        return MISSING
    return "<0.01" if 0 < value < _SMALLEST_PROBABILITY else _three_digits(value)


def probability(value: float | None) -> str:
    """``87 %``; a model's probability is never certainty: ``>99 %``."""
    if value is None or math.isnan(value):
        return MISSING
    if value < _SMALLEST_PROBABILITY:
        return f"<1{_SPACE}%"
    if value >= 1 - _SMALLEST_PROBABILITY:
        return f">99{_SPACE}%"
    return f"{100 * value:.0f}{_SPACE}%"


def share(part: float | None, whole: float | None) -> str:
    """``12 (4.8 %)``: a count with its share of ``whole``; a dash where nothing was counted."""
    if part is None or not whole:
        return MISSING
    return f"{count(part)} ({percent(part / whole)})"


def nats(value: float | None) -> str:
    """A log-likelihood or an entropy: ``-1.201``, with a true minus sign."""
    if value is None or math.isnan(value):
        return MISSING
    return f"{value:.3f}".replace("-", _MINUS)


def duration(seconds: float | None) -> str:
    """``8 s``, ``42 min`` or ``1 h 12 min``."""
    if seconds is None or math.isnan(seconds):
        return MISSING
    if 0 < seconds < 1:
        return f"{seconds:.1f}{_SPACE}s"
    if round(seconds) < _MINUTE:
        return f"{seconds:.0f}{_SPACE}s"
    if round(seconds / _MINUTE) < _HOUR // _MINUTE:
        return f"{seconds / _MINUTE:.0f}{_SPACE}min"
    hours, minutes = divmod(round(seconds / _MINUTE), _HOUR // _MINUTE)
    return f"{hours:,}{_SPACE}h{_SPACE}{minutes}{_SPACE}min"


def name(identifier: str) -> str:
    """An identifier as words: ``kidney_left`` becomes ``kidney left``."""
    return identifier.replace("_", " ")


def millilitres(value: float | None) -> str:
    """``1,432 ml``, ``34.7 ml`` or ``0.42 ml``: three digits that count."""
    if value is None or math.isnan(value):
        return MISSING
    return f"{_three_digits(value)}{_SPACE}ml"


def span(low: float, high: float, unit: str) -> str:
    """``1,390 to 1,610 ml``; a negative number keeps its sign."""
    return f"{_three_digits(low)} to {_three_digits(high)}{_SPACE}{unit}".rstrip()


def _three_digits(value: float) -> str:
    size = abs(value)
    if size == 0 or size >= _HUNDRED:
        text = f"{size:,.0f}"
    else:
        text = f"{size:.1f}" if size >= _TEN else f"{size:.2f}"
    return (_MINUS if value < 0 else "") + text
