"""Recomputes `waybill compare --format json` from the hourly series that it prints, in exact fractions.

usage: recompute_comparison.py COMPARISON.json  ->  {"own": {"hours": …, "units": …, …, "total": …}, "alb": {…}, …}
Shares nothing with the Swift code: prices of us-east-1, divisors and tier tables stand below. Taken from the file are
the hours, the assumptions, Envoy's sizing and the fee (which a price book made).
"""
import json
import sys
from datetime import datetime, timedelta
from fractions import Fraction as F
from math import ceil

KEYS = {"rsa-2048": F(25), "rsa-4096": F(5), "rsa-8192": F(1), "rsa-16384": F("0.25"),
        "ecdsa-256": F(25), "ecdsa-384": F(5), "ecdsa-521": F(1)}
NLB = {"tcp": (800, 100000), "udp": (400, 50000), "tls": (50, 3000)}
MILLION = 10 ** 6
TIERS = {"apigw-http": [(300 * MILLION, "1.00"), (None, "0.90")],
         "apigw-rest": [(333 * MILLION, "3.50"), (1000 * MILLION, "2.80"), (20000 * MILLION, "2.38"), (None, "1.51")],
         "apigee-standard": [(50 * MILLION, "20"), (500 * MILLION, "16"), (None, "13")],
         "apigee-extensible": [(50 * MILLION, "100"), (500 * MILLION, "80"), (None, "64")]}


def text(value, places=9, cut=True):
    scaled = abs(value) * 10 ** places
    whole = (2 * scaled.numerator + scaled.denominator) // (2 * scaled.denominator)
    digits = f"{whole // 10 ** places}.{whole % 10 ** places:0{places}d}"
    if cut:
        digits = digits.rstrip("0").rstrip(".")
    return "-" + digits if value < 0 and whole else digits


def graduated(requests, tiers):
    total, floor = F(0), F(0)
    for up_to, price in tiers:
        upper = requests if up_to is None else min(requests, F(up_to))
        if upper > floor:
            total += (upper - floor) / MILLION * F(price)
            floor = upper
    return total


def months_later(start, months):
    index = start.year * 12 + start.month - 1 + months
    year, month = divmod(index, 12)
    last = [31, 29 if year % 4 == 0 and (year % 100 or year % 400 == 0) else 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
    return start.replace(year=year, month=month + 1, day=min(start.day, last[month]))


def by_month(hours, counts, repeat):
    """The counts of hours by the month from the first hour on; a list without dates has 730 hours a month."""
    if repeat > 1:
        months = max(1, (len(hours) * repeat + 365) // 730)
        return [sum(counts) * repeat / F(months)] * months
    starts = [datetime.fromisoformat(hour["start"].replace("Z", "+00:00")) for hour in hours]
    if starts[-1] - starts[0] < timedelta(hours=745):
        return [sum(counts)]
    sums, number = [F(0)], 1
    for start, count in zip(starts, counts):
        if start >= months_later(starts[0], number):
            while start >= months_later(starts[0], number):
                number += 1
            sums.append(F(0))
        sums[-1] += count
    return sums


def recompute(given):
    """given: the object that `waybill compare --format json` prints."""
    assumed, sizing, repeat = given["assumptions"], given["sizing"], given["repeat"]
    gb = F(2 ** 30) if assumed["gb"] == "binary" else F(10 ** 9)
    flows, active_flows = NLB[assumed["nlb_listener"]]
    lcu = above = nlcu = everything = requests = vcpu = F(0)
    asked_for, counted = [], []
    peak = F(sizing["minimum_vcpu"])
    binding = {}
    for hour in given["hours"]:
        asked, new, active = F(hour["requests"]), F(hour["new_connections"]), F(hour["active_connections"])
        std, lam = F(hour["bytes"]), F(hour["lambda_bytes"])
        rules = F(hour["rule_evaluations"]) if "rule_evaluations" in hour else asked * max(0, assumed["rules"] - 10)
        dims = {"new": new / 3600 / KEYS[assumed["certificate_key"]],
                "active": active / (1500 if assumed["mutual_tls"] else 3000),
                "bytes": std / gb + lam / gb / F("0.4"), "rules": rules / 3600 / 1000}
        name = max(dims, key=lambda key: dims[key])  # the first of equals
        binding[name] = binding.get(name, 0) + repeat
        lcu += dims[name]
        above += max(F(0), dims[name] - assumed["lcu_reservation"])
        nlcu += max(new / 3600 / flows, active / active_flows, (std + lam) / gb)
        everything += std + lam
        requests += asked
        asked_for.append(asked)
        counted.append(asked * max(1, ceil((std + lam) / (asked * 2 ** 19))) if asked else F(0))
        needed = asked / 3600 / 1000 * F(sizing["vcpu_per_1000_requests_per_second"]) / F(sizing["target_utilisation"])
        vcpu += max(F(sizing["minimum_vcpu"]), needed)
        peak = max(peak, needed)
    hours = given["hour_count"]
    lcu, above, nlcu, everything, requests, vcpu = (
        x * repeat for x in (lcu, above, nlcu, everything, requests, vcpu))
    # Hours that are listed and not charged have no nodes that stand for them.
    vcpu += F(sizing["minimum_vcpu"]) * (hours - len(given["hours"]) * repeat)
    asked_for, counted = (by_month(given["hours"], counts, repeat) for counts in (asked_for, counted))
    if given["nodes"] == "peak":
        vcpu = peak * hours
    crossing = F(assumed["pod_crossing_share"])
    even = 1 - F(1, assumed["zones"])
    crossing += even * (assumed["cross_zone"] + (assumed["external_traffic_policy"] == "cluster"))
    data = everything / gb * crossing * 2 * F("0.01")
    own = {"hours": hours * F("0.0225"), "units": nlcu * F("0.006"), "data": data,
           "nodes": vcpu * F(given["node_vcpu_hour"]["amount"]), "fee": F(given["own"]["fee"]),
           "other": F(given["own"]["other"])}
    reserved, stores = assumed["lcu_reservation"], assumed["trust_stores"]
    rows = {"own": own,
            "alb": {"hours": hours * (F("0.0225") + stores * F("0.005")),
                    "units": above * F("0.008") + reserved * hours * F("0.008")},
            "nlb": {"hours": own["hours"], "units": own["units"], "data": data},
            "clb": {"hours": hours * F("0.025"), "units": everything / gb * F("0.008")},
            "gcp-lb": {"hours": hours * F("0.025"), "data": everything / 2 ** 30 * F("0.008")},
            "kong-plus": {"hours": F(500 * len(asked_for)),
                          "units": F(sum(max(0, ceil(month / MILLION) - 1) * 200 for month in asked_for))}}
    for key, tiers in TIERS.items():
        months = counted if key == "apigw-http" else asked_for
        rows[key] = {"units": sum((graduated(month, tiers) for month in months), F(0))}
    base = sum(own.values())
    answer = {}
    for key, row in rows.items():
        full = {part: row.get(part, F(0)) for part in ("hours", "units", "data", "nodes", "fee", "other")}
        total = sum(full.values())
        answer[key] = {part: text(F(amount)) for part, amount in full.items()} | {"total": text(F(total))}
        if key != "own":
            answer[key]["saving"] = text(total - base)
            if total:
                answer[key]["saving_percent"] = text((total - base) * 100 / total, 2, cut=False)
            if requests:
                answer[key]["break_even_fee_per_billion"] = text((total - base + own["fee"]) * 10 ** 9 / requests)
    answer["alb"]["binding_hours"] = binding
    answer["requests"] = text(requests)
    return answer


def main(path):
    with open(path) as file:
        json.dump(recompute(json.load(file)), sys.stdout)


if __name__ == "__main__":
    main(sys.argv[1])
