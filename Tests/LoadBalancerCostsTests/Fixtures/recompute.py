"""Recomputes `waybill lb-cost` from a traffic file, in exact fractions and from the published rules alone.

usage: recompute.py TRAFFIC.json  ->  {"alb": {"lcu_hours": …, "total": …, "binding_hours": …}, "nlb": …, "clb": …}
Shares nothing with the Swift code: prices of us-east-1 and divisors stand below.
"""
import json
import sys
from fractions import Fraction as F

KEYS = {"rsa-2048": F(25), "rsa-4096": F(5), "rsa-8192": F(1), "rsa-16384": F("0.25"),
        "ecdsa-256": F(25), "ecdsa-384": F(5), "ecdsa-521": F(1)}
NLB = {"tcp": (800, 100000), "udp": (400, 50000), "tls": (50, 3000)}


def text(value):
    scaled = abs(value) * 10 ** 9
    whole = (2 * scaled.numerator + scaled.denominator) // (2 * scaled.denominator)
    digits = f"{whole // 10 ** 9}.{whole % 10 ** 9:09d}".rstrip("0").rstrip(".")
    return "-" + digits if value < 0 and whole else digits


def answer(traffic):
    """traffic: what a traffic file holds, every number a Fraction."""
    assumed = traffic.get("assumptions", {})
    repeat = traffic.get("repeat", 1)
    gb = F(2 ** 30) if assumed.get("gb") == "binary" else F(10 ** 9)
    flows, active_flows = NLB[assumed.get("nlb_listener", "tcp")]
    per_second = KEYS[assumed.get("certificate_key", "rsa-2048")]
    active = F(1500) if assumed.get("mutual_tls") else F(3000)
    reserved = assumed.get("lcu_reservation", F(0))
    lcu = above = nlcu = data = F(0)
    binding = {}
    for hour in traffic["hours"]:
        rules = hour.get("rule_evaluations")
        if rules is None:
            rules = hour["requests"] * max(F(0), assumed.get("rules", F(10)) - 10)
        std, lam = hour["bytes"], hour.get("lambda_bytes", F(0))
        dims = {"new": hour["new_connections"] / 3600 / per_second, "active": hour["active_connections"] / active,
                "bytes": std / gb + lam / gb / F("0.4"), "rules": rules / 3600 / 1000}
        name = max(dims, key=lambda key: dims[key])  # the first of equals
        binding[name] = binding.get(name, 0) + int(repeat)
        lcu += dims[name]
        above += max(F(0), dims[name] - reserved)
        nlcu += max(hour["new_connections"] / 3600 / flows, hour["active_connections"] / active_flows, (std + lam) / gb)
        data += (std + lam) / gb
    hours = len(traffic["hours"]) * repeat
    stores = assumed.get("trust_stores", F(0))
    alb = hours * F("0.0225") + above * repeat * F("0.008") + reserved * hours * F("0.008") + stores * hours * F("0.005")
    nlb = hours * F("0.0225") + nlcu * repeat * F("0.006")
    clb = hours * F("0.025") + data * repeat * F("0.008")
    return {"alb": {"lcu_hours": text(lcu * repeat), "total": text(alb), "binding_hours": binding},
            "nlb": {"lcu_hours": text(nlcu * repeat), "total": text(nlb)},
            "clb": {"gb": text(data * repeat), "total": text(clb)}}


def main(path):
    with open(path) as file:
        json.dump(answer(json.load(file, parse_float=F, parse_int=F)), sys.stdout)


if __name__ == "__main__":
    main(sys.argv[1])
