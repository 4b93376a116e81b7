"""Recomputes a comparison of metered traffic from the consumption records themselves, in exact fractions.

usage: recompute_metered.py RECORDS.json COMPARISON.json  ->  {"hours": […], "own": {…}, "alb": {…}, …}
RECORDS.json: {"records": rows of the table consumption, "metering_since": …, "as_of": …, "from": …, "to": …}, instants in
microseconds. The hours are made here from the records: what began before its quarter hour is spread evenly over its
interval inside the period, idle hours are added as a load balancer would have stood. Then recompute_comparison.py prices
them; taken from COMPARISON.json are assumptions, sizing and the fee alone.
"""
import json
import sys
from datetime import datetime, timezone
from fractions import Fraction as F

import recompute_comparison

HOUR = 3_600_000_000
PARTS = 360_360
FIELDS = ("requests", "new_connections", "bytes")


def hour_of(instant):
    return instant // HOUR * HOUR


def empty():
    return {"requests": 0, "new_connections": 0, "bytes": 0, "active": F(0), "spread": False}


def spread(hours, read, counts, since, until):
    """Moves each count from the hour in which it was read to those of its interval, whole parts that add up."""
    for field, count in counts.items():
        given, start = 0, hour_of(since)
        while start < until:
            upto = count * (min(start + HOUR, until) - since) // (until - since)
            part, given = upto - given, upto
            if part and start != read:
                hours.setdefault(start, empty())[field] += part
                hours[read][field] -= part
                hours[start]["spread"] = hours[read]["spread"] = True
            start += HOUR


def hours_of(given):
    hours, carried = {}, {}
    for row in given["records"]:
        start = hour_of(row["quarter_hour"])
        hour = hours.setdefault(start, empty())
        row["bytes"] = row["received_bytes"] + row["sent_bytes"]
        for field in FIELDS:
            hour[field] += row[field]
        hour["active"] += F(row["active_connections_sum"], PARTS * 4)
        if row["carried_in"] and row["carried_since"] < row["carried_until"]:
            # Connections and bytes have the share that the record's requests have. One interval is spread at once.
            key = (row["quarter_hour"], row["carried_since"], row["carried_until"])
            counts = carried.setdefault(key, dict.fromkeys(FIELDS, 0))
            for field in FIELDS:
                counts[field] += row[field] * row["carried_in"] // row["requests"]
    for (quarter, since, until), counts in carried.items():
        since = max(since, given["from"])
        if since < until:
            spread(hours, hour_of(quarter), counts, since, until)
    first, last = min(hours), max(hours)
    begin = first if given["metering_since"] > given["from"] else hour_of(given["from"])
    end = last + HOUR if given["as_of"] < given["to"] else given["to"]
    for start in range(begin, end, HOUR):
        hours.setdefault(start, empty())
    return [
        {"start": datetime.fromtimestamp(start // 10 ** 6, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
         "requests": str(hour["requests"]), "new_connections": str(hour["new_connections"]),
         "active_connections": str(hour["active"]), "bytes": str(hour["bytes"]), "lambda_bytes": "0"}
        | ({"spread": True} if hour["spread"] else {})
        for start, hour in sorted(hours.items())]


def main(records, comparison):
    with open(records) as file:
        hours = hours_of(json.load(file))
    with open(comparison) as file:
        given = json.load(file)
    answer = recompute_comparison.recompute(given | {"hours": hours, "hour_count": len(hours), "repeat": 1})
    for hour in hours:
        hour["active_connections"] = recompute_comparison.text(F(hour["active_connections"]))
    json.dump(answer | {"hours": hours}, sys.stdout)


main(*sys.argv[1:])
