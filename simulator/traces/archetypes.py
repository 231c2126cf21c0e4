"""Made-up demand for departments' systems where none was recorded, marked 合成数据 synthetic.

Owns the shapes (示例参数 sample parameters, no measurement behind them) and their seeding. Every
step is integer work on the raw 64-bit stream of PCG64, which numpy promises not to change, so
one seed gives the same bytes on every machine.

Shapes, as use in percent of size; VM i scales its shape by 0.7 to 1.3, moves it by up to half
an hour and adds a ripple of up to an eighth of the value:

- office_hours: 5 at night, 55-60 on working mornings and afternoons with a dip at noon, flat 5
  to 8 on days off (the Chinese holiday calendar; Monday to Friday where it is not known).
- public_service: the same working day with an evening tail from citizens at home; days off
  carry half of it.
- video_day_night: cameras never rest: about 60 by day and 45 by night, every day alike.
- month_end: 20 by day; from the third last working day of a month to the second of the next,
  days off between included, a batch of 75 to 90 through day and night.
- enrolment_season: public_service at two fifths, and from 20 June to 15 July and 15 August to
  5 September at one and a half times.
- flood_season: 12 all year; from 1 June to 30 September 30, and on about one day in six, the
  same day for every system of the city, 75 to 85 around the clock.
- analytics_batch: 85 from 00:00 to 06:00 every day, 6 otherwise.
- steady: 30 all the time.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from catalog.errors import Invalid
from cloudmgr.domain.workdays import is_workday
from simulator.traces.base import DAY_SAMPLES, PPM, Ints
from simulator.traces.shares import TraceShares

FORMAT = "archetypes"
_CITY_STREAM = 1 << 40  # the stream all systems share, beyond every VM's index
_HOUR_SAMPLES = DAY_SAMPLES // 24
_PERCENT = PPM // 100
_OFFICE = (5, 5, 5, 5, 5, 6, 8, 18, 42, 56, 58, 54, 36, 38, 52, 57, 55, 44, 24, 14, 10, 8, 7, 6)
_OFFICE_OFF = (5, 5, 5, 5, 5, 5, 5, 6, 7, 8, 8, 8, 7, 7, 8, 8, 8, 7, 6, 6, 6, 5, 5, 5)
_PUBLIC = (6, 5, 5, 5, 5, 7, 12, 24, 46, 62, 66, 58, 42, 44, 58, 62, 58, 46, 36, 34, 32, 26, 16, 9)
_VIDEO = (
    *(45, 44, 44, 44, 45, 48, 55, 60, 62, 60, 59, 59),
    *(58, 58, 59, 60, 61, 63, 62, 58, 54, 50, 48, 46),
)
_MONTH_DAY = (6, 6, 6, 6, 6, 6, 8, 12, 18, 22, 22, 20, 16, 16, 20, 22, 22, 18, 12, 8, 7, 6, 6, 6)
_MONTH_RUN = (
    *(88, 90, 90, 88, 86, 82, 78, 76, 75, 76, 78, 78),
    *(75, 75, 77, 78, 78, 77, 78, 82, 84, 86, 88, 88),
)
_NIGHT_BATCH = (85,) * 6 + (6,) * 18


def _flat(percent: int) -> tuple[int, ...]:
    return (percent,) * 24


@dataclass(frozen=True, slots=True)
class _Rain:
    """Days on which the whole city's flood systems run high."""

    seed: int

    def falls(self, day: date) -> bool:
        return int(_raw(self.seed, _CITY_STREAM + day.toordinal(), 1)[0] % 6) == 0


def _office_hours(day: date, rain: _Rain) -> Ints:
    return _hours(_OFFICE if is_workday(day) else _OFFICE_OFF)


def _public_service(day: date, rain: _Rain) -> Ints:
    return _hours(_PUBLIC) if is_workday(day) else _hours(_PUBLIC) // 2


def _video_day_night(day: date, rain: _Rain) -> Ints:
    return _hours(_VIDEO)


def _month_end(day: date, rain: _Rain) -> Ints:
    return _hours(_MONTH_RUN if _closes_month(day) else _MONTH_DAY)


def _enrolment_season(day: date, rain: _Rain) -> Ints:
    key = (day.month, day.day)
    busy = (6, 20) <= key <= (7, 15) or (8, 15) <= key <= (9, 5)
    return _public_service(day, rain) * (15 if busy else 4) // 10


def _flood_season(day: date, rain: _Rain) -> Ints:
    if not 6 <= day.month <= 9:
        return _hours(_flat(12))
    return _hours(_flat(80) if rain.falls(day) else _flat(30))


def _analytics_batch(day: date, rain: _Rain) -> Ints:
    return _hours(_NIGHT_BATCH, smooth=False)


def _steady(day: date, rain: _Rain) -> Ints:
    return _hours(_flat(30))


ARCHETYPES: Mapping[str, Callable[[date, _Rain], Ints]] = {
    "office_hours": _office_hours,
    "public_service": _public_service,
    "video_day_night": _video_day_night,
    "month_end": _month_end,
    "enrolment_season": _enrolment_season,
    "flood_season": _flood_season,
    "analytics_batch": _analytics_batch,
    "steady": _steady,
}


def synthesize(
    archetypes: Sequence[str], *, seed: int, first_day: date, samples: int, percent: int = 100
) -> TraceShares:
    """One made-up trace per name, `samples` of five minutes from the Shanghai midnight that
    begins `first_day`, rounded up to whole days; they repeat after those.

    Trace i depends on `seed`, i and its own archetype only; all are taken at `percent` of their
    shape, for owners who hold more than they need. Raises `unknown_archetype` and
    `bad_seed`.
    """
    if seed < 0:
        raise Invalid("bad_seed", f"the seed {seed} is negative; use 0 or more")
    for name in archetypes:
        if name not in ARCHETYPES:
            known = ", ".join(ARCHETYPES)
            raise Invalid("unknown_archetype", f"{name!r} is not an archetype; use one of {known}")
    if not archetypes or samples < 1:
        raise Invalid("trace_too_short", "ask for at least one archetype and one sample")
    days = -(-samples // DAY_SAMPLES)
    rain = _Rain(seed)
    shapes = {name: _shape(name, first_day, days, rain) for name in dict.fromkeys(archetypes)}
    flat = np.concatenate(
        [_one_vm(shapes[name], seed, i) * percent // 100 for i, name in enumerate(archetypes)]
    ).astype(np.int32)
    length = days * DAY_SAMPLES
    names = tuple(f"{name}-{i}" for i, name in enumerate(archetypes))
    return TraceShares(
        names=names,
        flat_ppm=flat,
        starts=np.arange(len(names), dtype=np.int64) * length,
        periods=np.full(len(names), length, dtype=np.int64),
        horizon=None,
        digest=_digest(names, flat),
        format=FORMAT,
        synthetic=True,
    )


def _shape(name: str, first_day: date, days: int, rain: _Rain) -> Ints:
    """The archetype itself in ppm, before any one VM's scale, shift and ripple; a day more on
    either side, so that a shifted VM's first and last samples do not depend on the horizon."""
    by_day = [ARCHETYPES[name](first_day + timedelta(days=d), rain) for d in range(-1, days + 1)]
    return np.concatenate(by_day)


def _hours(percent: Sequence[int], *, smooth: bool = True) -> Ints:
    """One day's 288 samples in ppm from 24 hourly values, straight lines between them."""
    here = np.repeat(np.array(percent, dtype=np.int64), _HOUR_SAMPLES)
    if not smooth:
        return here * _PERCENT
    after = np.repeat(np.roll(np.array(percent, dtype=np.int64), -1), _HOUR_SAMPLES)
    step = np.tile(np.arange(_HOUR_SAMPLES, dtype=np.int64), 24)
    return (here * (_HOUR_SAMPLES - step) + after * step) * _PERCENT // _HOUR_SAMPLES


def _one_vm(shape: Ints, seed: int, index: int) -> Ints:
    length = len(shape) - 2 * DAY_SAMPLES
    raw = _raw(seed, index, length + 2)
    scale_permille = 700 + int(raw[0] % 601)
    shift = int(raw[1] % _HOUR_SAMPLES) - _HOUR_SAMPLES // 2
    ripple_permille = (raw[2:] % 251).astype(np.int64) - 125
    first = DAY_SAMPLES - shift
    value = shape[first : first + length] * scale_permille // 1000
    value = value * (1000 + ripple_permille) // 1000
    return np.clip(value, 0, PPM).astype(np.int64)


def _raw(seed: int, stream: int, count: int) -> NDArray[np.uint64]:
    bits = np.random.PCG64(np.random.SeedSequence([seed, stream]))
    return np.asarray(bits.random_raw(count), dtype=np.uint64)


def _closes_month(day: date) -> bool:
    """Whether fewer than 3 working days of its month follow, or fewer than 2 came before."""
    return _workdays(day, 1) < 3 or _workdays(day, -1) < 2


def _workdays(day: date, step: int) -> int:
    """Working days of the same month strictly after (step 1) or before (step -1) a day."""
    count = 0
    other = day + timedelta(days=step)
    while other.month == day.month:
        count += is_workday(other)
        other += timedelta(days=step)
    return count


def _digest(names: Sequence[str], flat: NDArray[np.int32]) -> str:
    digest = hashlib.sha256("\0".join(names).encode())
    digest.update(flat.astype("<i4").tobytes())
    return f"sha256:{digest.hexdigest()}"
