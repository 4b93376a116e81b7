-- Meter readings, their dictionaries, and the consumption that is derived from them.
-- Keys: tapes by instance, consumption by tenant, so that the same schema can be distributed by them.
-- No foreign keys from hot tables. Times are UTC.

-- When this database was made: epochs that began earlier have a baseline (an opening reading that is not billed).
CREATE TABLE metering_start (
    metering_start_id smallint PRIMARY KEY DEFAULT 1 CHECK (metering_start_id = 1),
    made_at timestamptz NOT NULL DEFAULT now()
);

INSERT INTO metering_start DEFAULT VALUES;

-- A fleet of Envoys that one load balancer would replace.
CREATE TABLE gateway (
    gateway_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL UNIQUE CHECK (octet_length(name) BETWEEN 1 AND 512),
    metering_since timestamptz NOT NULL
);

CREATE TABLE instance (
    instance_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    gateway_id bigint NOT NULL REFERENCES gateway,
    name text NOT NULL CHECK (octet_length(name) BETWEEN 1 AND 512),
    UNIQUE (gateway_id, name)
);

-- The collect patterns that a worker read with: they tell whether a counter that appears late was there before.
CREATE TABLE collect_version (
    collect_version_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    patterns text NOT NULL
);

CREATE UNIQUE INDEX collect_version_patterns ON collect_version (md5(patterns));

-- One life of an instance. "first" and "last" are its signs of life in the first and the last flush that was stored.
CREATE TABLE epoch (
    epoch_id bigint GENERATED ALWAYS AS IDENTITY,
    instance_id bigint NOT NULL,
    gateway_id bigint NOT NULL,
    boot_id text,
    collect_version_id bigint NOT NULL,
    started_at timestamptz,
    baseline_at timestamptz,
    first_uptime bigint,
    first_hot_restart_epoch bigint NOT NULL,
    first_sent_at timestamptz NOT NULL,
    first_received_at timestamptz NOT NULL,
    last_uptime bigint,
    last_hot_restart_epoch bigint NOT NULL,
    last_sent_at timestamptz NOT NULL,
    last_received_at timestamptz NOT NULL,
    last_reading_at timestamptz NOT NULL,
    drained boolean NOT NULL DEFAULT false,
    PRIMARY KEY (instance_id, epoch_id)
);

CREATE UNIQUE INDEX epoch_boot ON epoch (instance_id, boot_id) WHERE boot_id IS NOT NULL;
CREATE INDEX epoch_by_gateway ON epoch (gateway_id, last_reading_at);

-- Counters of an epoch whose usage counts from a reading and not from 0.
CREATE TABLE epoch_baseline (
    instance_id bigint NOT NULL,
    epoch_id bigint NOT NULL,
    counter_id bigint NOT NULL,
    value bigint NOT NULL CHECK (value >= 0),
    read_at timestamptz NOT NULL,
    PRIMARY KEY (instance_id, epoch_id, counter_id)
);

-- The dictionary of counter and gauge names.
CREATE TABLE counter (
    counter_id bigint GENERATED ALWAYS AS IDENTITY,
    gateway_id bigint NOT NULL,
    name text NOT NULL CHECK (octet_length(name) BETWEEN 1 AND 512),
    PRIMARY KEY (gateway_id, counter_id),
    UNIQUE (gateway_id, name)
);

-- The counters of a stream in the order of their slots.
CREATE TABLE counter_set (
    counter_set_id bigint GENERATED ALWAYS AS IDENTITY,
    gateway_id bigint NOT NULL,
    digest bytea NOT NULL,
    counters bigint[] NOT NULL,
    PRIMARY KEY (gateway_id, counter_set_id),
    UNIQUE (gateway_id, digest)
);

-- The tape: what a stream read of an instance's epoch in a quarter hour. One writer a row, revisions only grow.
CREATE TABLE tape (
    instance_id bigint NOT NULL,
    epoch_id bigint NOT NULL,
    quarter_hour timestamptz NOT NULL,
    stream_id bigint NOT NULL,
    gateway_id bigint NOT NULL,
    revision bigint NOT NULL,
    first_flush_at timestamptz NOT NULL,
    last_flush_at timestamptz NOT NULL,
    flushes bigint NOT NULL,
    counter_set_id bigint NOT NULL,
    gauge_set_id bigint NOT NULL,
    is_delta boolean NOT NULL,
    recent_flushes bytea NOT NULL,
    readings bytea NOT NULL,
    gauges bytea NOT NULL,
    PRIMARY KEY (instance_id, epoch_id, quarter_hour, stream_id)
) PARTITION BY RANGE (quarter_hour);

CREATE INDEX tape_by_quarter_hour ON tape (gateway_id, quarter_hour);

-- What the receivers could not count: facts beside the tape that the aggregation turns into gaps.
CREATE TABLE stream_remark (
    instance_id bigint NOT NULL,
    epoch_id bigint NOT NULL,
    stream_id bigint NOT NULL,
    reason text NOT NULL,
    gateway_id bigint NOT NULL,
    quarter_hour timestamptz NOT NULL,
    from_at timestamptz NOT NULL,
    to_at timestamptz NOT NULL,
    upper_bound bigint CHECK (upper_bound >= 0),
    occurrences bigint NOT NULL,
    PRIMARY KEY (instance_id, epoch_id, stream_id, reason, quarter_hour)
);

CREATE INDEX stream_remark_by_quarter_hour ON stream_remark (gateway_id, quarter_hour);

-- Quarter hours of gateways that have to be derived anew. A commit adds to it in its own transaction.
CREATE TABLE tape_change (
    tape_change_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    gateway_id bigint NOT NULL,
    quarter_hour timestamptz NOT NULL,
    changed_at timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX tape_change_by_quarter_hour ON tape_change (gateway_id, quarter_hour);

-- The meters: collect patterns and bind rules, each version valid from a quarter hour on.
CREATE TABLE meter_version (
    meter_version_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    valid_from timestamptz NOT NULL,
    -- The meters files, one element a file.
    meters text[] NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX meter_version_valid_from ON meter_version (valid_from);

-- Who is billed. A name captured by a bind rule makes an unconfirmed tenant: usage works, invoices need a contract.
CREATE TABLE tenant (
    tenant_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL UNIQUE CHECK (octet_length(name) BETWEEN 1 AND 512),
    confirmed boolean NOT NULL DEFAULT false
);

CREATE TABLE service (
    service_id bigint GENERATED ALWAYS AS IDENTITY,
    tenant_id bigint NOT NULL,
    name text NOT NULL CHECK (octet_length(name) BETWEEN 1 AND 512),
    PRIMARY KEY (tenant_id, service_id),
    UNIQUE (tenant_id, name)
);

-- Consumption records. Each dimension is a whole number; active connections are the mean of the minute samples, in
-- millionths, and their largest sample.
CREATE TABLE consumption (
    tenant_id bigint NOT NULL,
    gateway_id bigint NOT NULL,
    service_id bigint NOT NULL,
    quarter_hour timestamptz NOT NULL,
    requests bigint NOT NULL DEFAULT 0 CHECK (requests >= 0),
    new_connections bigint NOT NULL DEFAULT 0 CHECK (new_connections >= 0),
    active_connections_micros bigint NOT NULL DEFAULT 0 CHECK (active_connections_micros >= 0),
    active_connections_maximum bigint NOT NULL DEFAULT 0 CHECK (active_connections_maximum >= 0),
    received_bytes bigint NOT NULL DEFAULT 0 CHECK (received_bytes >= 0),
    sent_bytes bigint NOT NULL DEFAULT 0 CHECK (sent_bytes >= 0),
    responses_1xx bigint NOT NULL DEFAULT 0 CHECK (responses_1xx >= 0),
    responses_2xx bigint NOT NULL DEFAULT 0 CHECK (responses_2xx >= 0),
    responses_3xx bigint NOT NULL DEFAULT 0 CHECK (responses_3xx >= 0),
    responses_4xx bigint NOT NULL DEFAULT 0 CHECK (responses_4xx >= 0),
    responses_5xx bigint NOT NULL DEFAULT 0 CHECK (responses_5xx >= 0),
    -- The part of requests that began before the quarter hour, and since when.
    carried_in bigint NOT NULL DEFAULT 0 CHECK (carried_in >= 0),
    carried_since timestamptz,
    carried_until timestamptz,
    PRIMARY KEY (tenant_id, gateway_id, service_id, quarter_hour)
) PARTITION BY RANGE (quarter_hour);

CREATE INDEX consumption_by_quarter_hour ON consumption (gateway_id, quarter_hour);

-- Collected counters that no rule binds: never lost, shown to operators.
CREATE TABLE unattributed (
    gateway_id bigint NOT NULL,
    quarter_hour timestamptz NOT NULL,
    counter_id bigint NOT NULL,
    quantity bigint NOT NULL CHECK (quantity >= 0),
    PRIMARY KEY (gateway_id, quarter_hour, counter_id)
);

-- Stretches in which requests may have gone uncounted; derived with the consumption that they bound.
-- tenant_id is null where the gap is the instance's and so every tenant's of the gateway.
CREATE TABLE gap (
    gap_id bigint GENERATED ALWAYS AS IDENTITY,
    gateway_id bigint NOT NULL,
    quarter_hour timestamptz NOT NULL,
    instance_id bigint NOT NULL,
    epoch_id bigint NOT NULL,
    tenant_id bigint,
    counter_id bigint,
    reason text NOT NULL,
    from_at timestamptz NOT NULL,
    to_at timestamptz NOT NULL,
    lower_bound bigint NOT NULL CHECK (lower_bound >= 0),
    upper_bound bigint CHECK (upper_bound >= lower_bound),
    PRIMARY KEY (gateway_id, gap_id)
);

CREATE INDEX gap_by_quarter_hour ON gap (gateway_id, quarter_hour);

-- What each run of the aggregation did.
CREATE TABLE job_run (
    job_run_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    started_at timestamptz NOT NULL DEFAULT now(),
    finished_at timestamptz,
    quarter_hours bigint NOT NULL DEFAULT 0,
    lag_since timestamptz,
    failure text
);

-- Makes the monthly partitions of the partitioned tables from one month to another, both included.
CREATE FUNCTION make_partitions(first_month date, last_month date) RETURNS void
LANGUAGE plpgsql AS $function$
DECLARE
    month date := date_trunc('month', first_month)::date;
    parent text;
BEGIN
    -- Two workers at the turn of a month make each partition once.
    PERFORM pg_advisory_xact_lock(hashtextextended('waybill.make_partitions', 0));
    WHILE month <= last_month LOOP
        FOREACH parent IN ARRAY ARRAY['tape', 'consumption'] LOOP
            IF to_regclass(format('%I', parent || to_char(month, '"_"YYYY"_"MM'))) IS NULL THEN
                EXECUTE format(
                    'CREATE TABLE %I PARTITION OF %I FOR VALUES FROM (%L) TO (%L)',
                    parent || to_char(month, '"_"YYYY"_"MM'), parent,
                    to_char(month, 'YYYY-MM-DD') || ' 00:00:00+00',
                    to_char(month + interval '1 month', 'YYYY-MM-DD') || ' 00:00:00+00'
                );
            END IF;
        END LOOP;
        month := (month + interval '1 month')::date;
    END LOOP;
END
$function$;
