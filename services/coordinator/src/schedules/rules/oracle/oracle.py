"""Says which slots a cron expression has around a change of the clock, by a walk over every minute of it in zoneinfo.

Reads a JSON object a line, {zone, from, to, cron, gap, overlap, start, end, calendars} with times in whole minutes since 1970 and the days of each
calendar, and writes a line for each: its slots in minutes that may run, those that calendars exclude, and the offsets of the zone with the minutes from which on they hold. It shares no code and no library with what it
judges.
"""
import json
import sys
from datetime import datetime, timedelta, timezone
from functools import lru_cache
from zoneinfo import ZoneInfo

MONTHS = "JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC".split()
DAYS = "SUN MON TUE WED THU FRI SAT".split()
EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


def values(field, low, high, names=()):
    found = set()
    for part in field.split(","):
        part, _, step = part.partition("/")
        number = lambda text: names.index(text) + low if text in names else int(text)
        if part == "*":
            first, last = low, high
        elif "-" in part:
            first, last = map(number, part.split("-"))
        else:
            first = number(part)
            last = high if step else first
        found.update(range(first, last + 1, int(step or 1)))
    return found


@lru_cache(maxsize=None)
def walls(zone, first, last):
    """For every minute: what the clock shows, in minutes as if it were UTC."""
    info = ZoneInfo(zone)
    shown = []
    for minute in range(first, last):
        offset = (EPOCH + timedelta(minutes=minute)).astimezone(info).utcoffset()
        shown.append(minute + int(offset.total_seconds()) // 60)
    return shown


@lru_cache(maxsize=None)
def date(day):
    return (EPOCH + timedelta(days=day)).date()


def slots(case):
    minute, hour, day, month, weekday = case["cron"].split(" ")
    minutes, hours = values(minute, 0, 59), values(hour, 0, 23)
    times = {h * 60 + m for h in hours for m in minutes}
    days, months = values(day, 1, 31), values(month, 1, 12, MONTHS)
    weekdays = {value % 7 for value in values(weekday, 0, 7, DAYS)}
    either = day != "*" and weekday != "*"

    def on_day(number):
        that = date(number)
        by_day, by_weekday = that.day in days, (that.weekday() + 1) % 7 in weekdays
        return that.month in months and (by_day or by_weekday if either else by_day and by_weekday)

    def matches(wall):
        return wall % 1440 in times and on_day(wall // 1440)

    repeats = hour.startswith("*") or len(hours) == 24
    shown = walls(case["zone"], case["from"], case["to"])
    latest, found = shown[0], []
    for i, wall in enumerate(shown):
        first_time = wall > latest
        hit = matches(wall) and (first_time or repeats or case["overlap"] == "both")
        if not hit and not repeats and case["gap"] == "next" and wall > latest + 1:
            hit = any(matches(missing) for missing in range(latest + 1, wall))
        latest = max(latest, wall)
        if hit and i > 0:
            found.append((case["from"] + i, wall))
    return found


def judged(case):
    first, last = case["start"], case["end"]
    run, excluded = [], []
    for instant, wall in slots(case):
        if (first is not None and instant < first) or (last is not None and instant > last):
            continue
        that = date(wall // 1440).isoformat()
        skip = any(that in days for days in case["calendars"]["skip"])
        only = case["calendars"]["only"]
        (excluded if skip or (only and not any(that in days for days in only)) else run).append(instant)
    shown = walls(case["zone"], case["from"], case["to"])
    offsets = []
    for i, wall in enumerate(shown):
        minute = case["from"] + i
        if not offsets or offsets[-1][1] != wall - minute:
            offsets.append((minute, wall - minute))
    return {"run": run, "excluded": excluded, "offsets": offsets}


for line in sys.stdin:
    print(json.dumps(judged(json.loads(line))))
