-- OTLP exports of deltas that were counted: a sender that did not see the answer sends an export again, to any worker.
-- One row an instance and interval, in the transaction that stores what it brought. Times as they stand on the wire
-- (unsigned, kept by their bits).
CREATE TABLE otlp_export (
    instance_id bigint NOT NULL,
    start_time bigint NOT NULL,
    export_time bigint NOT NULL,
    counted_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (instance_id, start_time, export_time)
);

CREATE INDEX otlp_export_counted_at ON otlp_export (counted_at);

-- Requests that access logs show, per connection manager, route and quarter hour: evidence beside the counters, never the
-- bill. One row a worker's count, which only grows: the evidence is the sum over writers.
CREATE TABLE access_log_evidence (
    gateway_id bigint NOT NULL,
    quarter_hour timestamptz NOT NULL,
    -- The connection manager's stat_prefix.
    prefix text NOT NULL CHECK (octet_length(prefix) <= 512),
    -- The route, else the upstream cluster; empty for a request of no route.
    route text NOT NULL CHECK (octet_length(route) <= 512),
    writer_id bigint NOT NULL,
    answered bigint NOT NULL CHECK (answered >= 0),
    answered_5xx bigint NOT NULL CHECK (answered_5xx >= 0),
    -- The client went before an answer.
    unanswered bigint NOT NULL CHECK (unanswered >= 0),
    -- First parts of internally redirected requests.
    internal_redirects bigint NOT NULL CHECK (internal_redirects >= 0),
    connections bigint NOT NULL CHECK (connections >= 0),
    first_at timestamptz NOT NULL,
    last_at timestamptz NOT NULL,
    PRIMARY KEY (gateway_id, quarter_hour, prefix, route, writer_id)
);
