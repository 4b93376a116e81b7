"""Random messages of Envoy's sinks, made by other people's libraries, with what they hold.

Usage: messages.py SEED COUNT metrics-service|otlp|access-log

One line a message: the payload in base64, a tab, and in JSON the lines that a reader should find.
"""
import base64, json, random, sys

seed, count, kind = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
rnd = random.Random(seed)
TEXTS = ["", "a", "cluster.upstream_rq_total", "outbound|80||svc", "t#1,x", "é·日本", "v.example:8080", "x" * 300, "\n"]


def text():
    return rnd.choice(TEXTS)


def number():
    return rnd.choice([0, 1, 51, 2**31, 2**53, 2**53 + 1, 2**63 - 1, -1, -(2**63), rnd.getrandbits(40)])


def real():
    return rnd.choice([0.0, 1.0, 59.0, -1.0, 2.5, 9007199254740992.0, 1e300, float("inf"), rnd.random() * 1e6])


def shown(value):
    """A double as its bits: exact, also for what has no digits."""
    import struct

    return struct.unpack("<q", struct.pack("<d", value))[0]


def metrics_service():
    from envoy_data_plane.envoy.config.core.v3 import Node
    from envoy_data_plane.envoy.service.metrics.v3 import StreamMetricsMessage, StreamMetricsMessageIdentifier
    from envoy_data_plane.io.prometheus.client import (
        Bucket, Counter, Gauge, Histogram, LabelPair, Metric, MetricFamily, MetricType)

    message, lines = StreamMetricsMessage(), []
    if rnd.random() < 0.5:
        node = Node(id=text(), cluster=text())
        message.identifier = StreamMetricsMessageIdentifier(node=node)
        lines.append(f"node {node.id} {node.cluster}")
    for _ in range(rnd.randrange(6)):
        family = MetricFamily(
            name=text(), help=text(),
            type=rnd.choice([MetricType.COUNTER, MetricType.GAUGE, MetricType.HISTOGRAM, MetricType.SUMMARY]))
        for _ in range(rnd.randrange(4)):
            time = rnd.choice([0, 1795416404000, -1])
            labels = [LabelPair(name=text(), value=text()) for _ in range(rnd.randrange(3))]
            metric, value = Metric(label=labels, timestamp_ms=time), real()
            if family.type == MetricType.COUNTER:
                metric.counter = Counter(value=value)
            elif family.type == MetricType.GAUGE:
                metric.gauge = Gauge(value=value)
            else:
                metric.histogram = Histogram(sample_count=3, bucket=[Bucket(cumulative_count=3, upper_bound=1.0)])
            family.metric.append(metric)
            if family.type in (MetricType.COUNTER, MetricType.GAUGE):
                kind = "counter" if family.type == MetricType.COUNTER else "gauge"
                pairs = [f"{label.name}={label.value}" for label in labels]
                lines.append(f"{kind} {family.name} {shown(value)} {time} {pairs}".replace("'", '"'))
        message.envoy_metrics.append(family)
    return bytes(message), lines


def otlp():
    from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest

    request, lines = ExportMetricsServiceRequest(), []
    for _ in range(rnd.randrange(3)):
        group = request.resource_metrics.add()
        for _ in range(rnd.randrange(3)):
            attribute = group.resource.attributes.add()
            attribute.key, attribute.value.string_value = text(), text()
        pairs = " ".join(f"{a.key}={a.value.string_value}" for a in group.resource.attributes)
        lines.append(f"resource {pairs}")
        for _ in range(rnd.randrange(3)):
            scope = group.scope_metrics.add()
            scope.scope.name = text()
            for _ in range(rnd.randrange(4)):
                metric = scope.metrics.add()
                metric.name, metric.description, metric.unit = text(), text(), "1"
                shape = rnd.randrange(4)
                kind = None
                if shape == 0:
                    metric.gauge.SetInParent()
                    points, kind = metric.gauge.data_points, "gauge"
                elif shape == 1:
                    metric.sum.aggregation_temporality = rnd.choice([0, 1, 2])
                    metric.sum.is_monotonic = rnd.random() < 0.7
                    points = metric.sum.data_points
                    name = {0: "unspecified", 1: "delta", 2: "cumulative"}[metric.sum.aggregation_temporality]
                    if metric.sum.is_monotonic:
                        kind = name
                    elif name != "delta":
                        kind = "gauge"
                elif shape == 2:
                    metric.histogram.data_points.add().count = 3
                    points = None
                else:
                    metric.summary.data_points.add().count = 3
                    points = None
                if points is None:
                    continue
                for _ in range(rnd.randrange(4)):
                    point = points.add()
                    point.start_time_unix_nano = rnd.choice([0, 1795416365553318, 1795416365553318000, 2**64 - 1])
                    point.time_unix_nano = rnd.choice([0, 1795416365553318000])
                    shape = rnd.randrange(3)
                    if shape == 0:
                        point.as_int = number()
                        value = f"integer {point.as_int}"
                    elif shape == 1:
                        point.as_double = real()
                        value = f"double {shown(point.as_double)}"
                    else:
                        value = None
                    point.flags = rnd.choice([0, 0, 0, 1])
                    for _ in range(rnd.randrange(3)):
                        attribute = point.attributes.add()
                        attribute.key = text()
                        if rnd.random() < 0.8:
                            attribute.value.string_value = text()
                        else:
                            attribute.value.int_value = number()
                    tags = " ".join(
                        f"{a.key}={a.value.string_value if a.value.HasField('string_value') else a.value.int_value}"
                        for a in point.attributes)
                    if kind and value and not point.flags & 1:
                        lines.append(
                            f"{kind} {metric.name} {value} {point.start_time_unix_nano} {point.time_unix_nano} {tags}")
    return request.SerializeToString(), lines


def access_log():
    import pathlib

    # Apart from the others: see scripts/requirements-xds.txt.
    sys.path.insert(0, str(pathlib.Path(sys.prefix) / "xds"))
    from envoy.service.accesslog.v3.als_pb2 import StreamAccessLogsMessage

    message, lines = StreamAccessLogsMessage(), []
    name = ""
    if rnd.random() < 0.5:
        message.identifier.log_name = name = rnd.choice(["billing", "é"])
        message.identifier.node.id = "gw"
    for _ in range(rnd.randrange(5)):
        entry = message.http_logs.log_entry.add()
        common = entry.common_properties
        common.downstream_remote_address.socket_address.address = "192.0.2.7"
        common.upstream_cluster = rnd.choice(["", "svc_a", "a|b"])
        common.route_name = rnd.choice(["", "api"])
        common.stream_id = f"{rnd.getrandbits(128):032x}" if rnd.random() < 0.5 else ""
        common.access_log_type = rnd.choice([0, 5, 6, 6, 9])
        common.start_time.seconds, common.start_time.nanos = 1795416404, 500_000_000
        common.duration.nanos = rnd.choice([0, 250_000_000])
        upstream = rnd.choice([None, 0, 3_000])
        if upstream is not None:
            common.time_to_first_upstream_rx_byte.nanos = upstream * 1000
        answer = rnd.choice([None, 4_000])
        if answer is not None:
            common.time_to_first_downstream_tx_byte.nanos = answer * 1000
        common.upstream_request_attempt_count = rnd.choice([0, 1, 3])
        if rnd.random() < 0.3:
            common.custom_tags["stat_prefix"] = "ingress"
        entry.request.path, entry.request.authority = "/secret", "a.example"
        code = rnd.choice([0, 200, 404, 503])
        if code:
            entry.response.response_code.value = code
        entry.response.response_code_details = rnd.choice(["via_upstream", "internal_redirect"])
        if common.access_log_type in (0, 6):
            prefix = common.custom_tags["stat_prefix"] if "stat_prefix" in common.custom_tags else name
            outcome = (
                "redirect" if entry.response.response_code_details == "internal_redirect"
                else f"answered {code}" if code else "unanswered")
            start = 1795416404500000
            ended = start + common.duration.nanos // 1000
            shown_time = lambda after: "none" if after is None else start + after
            if upstream is None and entry.response.response_code_details != "via_upstream":
                upstream = answer
            counted = common.upstream_cluster if (
                common.upstream_request_attempt_count or entry.response.response_code_details == "via_upstream") else ""
            has_id = "id" if common.stream_id else "none"
            lines.append(
                f"{prefix} {common.route_name or common.upstream_cluster} {counted} {outcome} {start} "
                f"{shown_time(upstream)} {shown_time(answer)} {ended} {has_id}")
    return message.SerializeToString(), lines


make = {"metrics-service": metrics_service, "otlp": otlp, "access-log": access_log}[kind]
for _ in range(count):
    payload, lines = make()
    print(base64.b64encode(payload).decode() + "\t" + json.dumps(lines))
