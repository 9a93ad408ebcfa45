"""How numbers read on the page: an undefined one is a dash, never the letters nan."""

import math
from collections.abc import Callable, Mapping
from typing import Any, Final

from facslens.association.distances.table import DISTANCES
from facslens.report.estimates import Estimate

DASH: Final = "–"
_MINUS: Final = "\u2212"
_THIN: Final = "\u202f"


def decimal(value: float | None, places: int = 2) -> str:
    """Write a number with so many places.

    Examples
    --------
    >>> decimal(0.973), decimal(-0.5, 1), decimal(float("nan")), decimal(None)
    ('0.97', '−0.5', '–', '–')
    """
    if value is None or not math.isfinite(value):
        return DASH
    written = f"{abs(value):.{places}f}"
    return _MINUS + written if value < 0 and float(written) else written


def percent(value: float | None, places: int = 0) -> str:
    r"""Write a share as a percentage; only an exact 1 becomes 100 %.

    Examples
    --------
    >>> percent(0.914), percent(0.9999), percent(1.0), percent(float("nan")), percent(-0.02)
    ('91\u202f%', '>99\u202f%', '100\u202f%', '–', '−2\u202f%')
    """
    if value is None or not math.isfinite(value):
        return DASH
    written = decimal(100 * value, places)
    if value < 1 and written == decimal(100.0, places):
        return f">{100 - 10**-places:.{places}f}{_THIN}%"
    return f"{written}{_THIN}%"


def p_value(value: float | None) -> str:
    """Write a p-value with its relation, as journals want it.

    Examples
    --------
    >>> p_value(0.0123), p_value(0.2), p_value(0.0004), p_value(1.0)
    ('= 0.012', '= 0.20', '< 0.001', '= 1.00')
    """
    if value is None or not math.isfinite(value):
        return DASH
    if value < 0.00095:
        return "< 0.001"
    return f"= {value:.3f}" if value < 0.0995 else f"= {value:.2f}"


def p_number(value: float | None) -> str:
    """Write a p-value in a column of a table.

    Examples
    --------
    >>> p_number(0.0123), p_number(0.0004)
    ('0.012', '<0.001')
    """
    return p_value(value).replace("= ", "").replace("< ", "<")


def thousands(value: int | None) -> str:
    r"""Write a count, its thousands set apart by a narrow space.

    Examples
    --------
    >>> thousands(1335251), thousands(981), thousands(None)
    ('1\u202f335\u202f251', '981', '–')
    """
    return DASH if value is None else f"{value:,}".replace(",", _THIN)


def file_size(size: int) -> str:
    r"""Write a number of bytes.

    Examples
    --------
    >>> file_size(900), file_size(2_345_000)
    ('0.9\u202fkB', '2.3\u202fMB')
    """
    unit, divisor = ("MB", 1e6) if size >= 1e6 else ("kB", 1e3)
    return f"{size / divisor:.1f}{_THIN}{unit}"


def duration(seconds: int | float) -> str:
    r"""Write a time span.

    Examples
    --------
    >>> duration(8.25), duration(75), duration(4000), duration(float("nan"))
    ('8.2\u202fs', '1\u202fmin 15\u202fs', '1\u202fh 06\u202fmin', '–')
    """
    if not math.isfinite(seconds):
        return DASH
    if seconds < 60:
        return f"{seconds:.1f}{_THIN}s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes}{_THIN}min {rest:02d}{_THIN}s"
    return f"{minutes // 60}{_THIN}h {minutes % 60:02d}{_THIN}min"


def moment(stamp: str) -> str:
    """Write an ISO time stamp without its seconds.

    Examples
    --------
    >>> moment("2025-04-09T12:31:07+00:00")
    '2025-04-09 12:31 UTC'
    """
    return f"{stamp[:10]} {stamp[11:16]} UTC" if len(stamp) >= 16 else stamp


def short(distance: str) -> str:
    """Give a distance's short name.

    Examples
    --------
    >>> short("kl"), short("something")
    ('KL', 'something')
    """
    return DISTANCES[distance].short if distance in DISTANCES else distance


def long(distance: str) -> str:
    """Give a distance's name in a sentence.

    Examples
    --------
    >>> long("js")
    'Jensen–Shannon distance'
    """
    return DISTANCES[distance].label if distance in DISTANCES else distance


def measure(distance: str) -> str:
    """Give a distance's unit of measure, to follow a number; empty where it has none.

    Examples
    --------
    >>> measure("kl"), measure("ks")
    (' nats', '')
    """
    unit = DISTANCES[distance].unit if distance in DISTANCES else ""
    return f" {unit}" if unit else ""


def amount(value: float | None, distance: str) -> str:
    """Write a distance with its number of decimals.

    Examples
    --------
    >>> amount(1.234, "kl")
    '1.23'
    """
    return decimal(value, DISTANCES[distance].decimals if distance in DISTANCES else 2)


def binned(distance: str) -> bool:
    """Tell whether a distance is read off histograms.

    Examples
    --------
    >>> binned("kl"), binned("ks")
    (True, False)
    """
    return distance in DISTANCES and DISTANCES[distance].binned


def interval(estimate: Estimate) -> str:
    """Write an interval; empty where there is none.

    Examples
    --------
    >>> interval(Estimate(0.97, 0.921, 0.998)), interval(Estimate(0.97, math.nan, math.nan))
    ('(0.92–1.00)', '')
    """
    if math.isnan(estimate.low) or math.isnan(estimate.high):
        return ""
    return f"({decimal(estimate.low)}–{decimal(estimate.high)})"


def signed(value: float | None, places: int = 2) -> str:
    """Write a number with its sign, for differences.

    Examples
    --------
    >>> signed(0.126), signed(-0.5, 1), signed(0.001), signed(math.nan)
    ('+0.13', '−0.5', '0.00', '–')
    """
    written = decimal(value, places)
    return f"+{written}" if written.strip("0.–") and not written.startswith(_MINUS) else written


def span(estimate: Estimate) -> str:
    """Write the interval of a difference, whose ends may be negative; empty where there is none.

    Examples
    --------
    >>> span(Estimate(0.1, -0.03, 0.2)), span(Estimate(0.1, math.nan, math.nan))
    ('(−0.03 to 0.20)', '')
    """
    if math.isnan(estimate.low) or math.isnan(estimate.high):
        return ""
    return f"({decimal(estimate.low)} to {decimal(estimate.high)})"


def plain(value: int | float) -> str:
    """Write a number of an axis without needless zeros.

    Examples
    --------
    >>> plain(0.25), plain(1.0), plain(20.0)
    ('0.25', '1', '20')
    """
    return f"{value:g}"


#: The names under which templates find them.
FILTERS: Final[Mapping[str, Callable[..., Any]]] = {
    "decimal": decimal,
    "short": short,
    "long": long,
    "measure": measure,
    "amount": amount,
    "binned": binned,
    "interval": interval,
    "signed": signed,
    "span": span,
    "plain": plain,
    "percent": percent,
    "p_value": p_value,
    "p_number": p_number,
    "thousands": thousands,
    "file_size": file_size,
    "duration": duration,
    "moment": moment,
}
