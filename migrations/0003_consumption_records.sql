-- Roll-ups of the consumption records, what retention may drop, and what a run of the job says of itself.

-- The mean of active connections exactly: the sum over gauges of their means, in 360,360ths (a gauge has up to fifteen
-- minute samples, and 360,360 is divisible by 1 to 15), and whether there was a sample.
ALTER TABLE consumption
    ADD COLUMN active_connections_sum bigint NOT NULL DEFAULT 0 CHECK (active_connections_sum >= 0),
    ADD COLUMN active_connections_count bigint NOT NULL DEFAULT 0 CHECK (active_connections_count IN (0, 1));

UPDATE consumption SET
    active_connections_sum = round(active_connections_micros * 0.36036)::bigint,
    active_connections_count = 1
WHERE active_connections_micros > 0 OR active_connections_maximum > 0;

ALTER TABLE consumption DROP COLUMN active_connections_micros;

-- Sums of consumption records over an hour in UTC, and over a day and a month of an IANA zone. A row is kept by the
-- transaction that changes its quarter hours, so it is their sum in every snapshot.
-- The maximum of active connections is the largest of a quarter hour; the sum of several rows' is an upper bound.
-- carried_in is the part of requests whose interval began before starts_at.
CREATE TABLE consumption_rollup (
    tenant_id bigint NOT NULL,
    grain text NOT NULL CONSTRAINT consumption_rollup_grain CHECK (grain IN ('hour', 'day', 'month')),
    zone text NOT NULL,
    starts_at timestamptz NOT NULL,
    gateway_id bigint NOT NULL,
    service_id bigint NOT NULL,
    ends_at timestamptz NOT NULL,
    -- Consumption records in it.
    records bigint NOT NULL CONSTRAINT consumption_rollup_records CHECK (records >= 0),
    requests bigint NOT NULL CONSTRAINT consumption_rollup_requests CHECK (requests >= 0),
    new_connections bigint NOT NULL CONSTRAINT consumption_rollup_new_connections CHECK (new_connections >= 0),
    active_connections_sum bigint NOT NULL CONSTRAINT consumption_rollup_active CHECK (active_connections_sum >= 0),
    -- Quarter hours with a sample.
    active_connections_count bigint NOT NULL
        CONSTRAINT consumption_rollup_active_count CHECK (active_connections_count >= 0),
    active_connections_maximum bigint NOT NULL
        CONSTRAINT consumption_rollup_active_maximum CHECK (active_connections_maximum >= 0),
    received_bytes bigint NOT NULL CONSTRAINT consumption_rollup_received_bytes CHECK (received_bytes >= 0),
    sent_bytes bigint NOT NULL CONSTRAINT consumption_rollup_sent_bytes CHECK (sent_bytes >= 0),
    responses_1xx bigint NOT NULL CONSTRAINT consumption_rollup_1xx CHECK (responses_1xx >= 0),
    responses_2xx bigint NOT NULL CONSTRAINT consumption_rollup_2xx CHECK (responses_2xx >= 0),
    responses_3xx bigint NOT NULL CONSTRAINT consumption_rollup_3xx CHECK (responses_3xx >= 0),
    responses_4xx bigint NOT NULL CONSTRAINT consumption_rollup_4xx CHECK (responses_4xx >= 0),
    responses_5xx bigint NOT NULL CONSTRAINT consumption_rollup_5xx CHECK (responses_5xx >= 0),
    carried_in bigint NOT NULL CONSTRAINT consumption_rollup_carried_in CHECK (carried_in >= 0),
    PRIMARY KEY (tenant_id, grain, zone, starts_at, gateway_id, service_id)
) PARTITION BY RANGE (starts_at);

CREATE INDEX consumption_rollup_by_gateway ON consumption_rollup (gateway_id, starts_at);

-- Zones beside UTC in whose days and months a tenant's usage is rolled up, with the version of the zone rules by which
-- they were made.
CREATE TABLE rollup_zone (
    tenant_id bigint NOT NULL,
    zone text NOT NULL CHECK (octet_length(zone) BETWEEN 1 AND 64),
    rules text NOT NULL,
    PRIMARY KEY (tenant_id, zone)
);

-- The part of a record's carried_in that began before the quarter hour before it: after an outage, or where a counter
-- was away. (All else of carried_in began in the quarter hour before.)
CREATE TABLE carried_over (
    tenant_id bigint NOT NULL,
    gateway_id bigint NOT NULL,
    service_id bigint NOT NULL,
    quarter_hour timestamptz NOT NULL,
    since timestamptz NOT NULL,
    until timestamptz NOT NULL,
    requests bigint NOT NULL CHECK (requests > 0),
    PRIMARY KEY (tenant_id, gateway_id, service_id, quarter_hour, since)
);

CREATE INDEX carried_over_by_quarter_hour ON carried_over (gateway_id, quarter_hour);

-- Nothing of a tenant from an instant on is dropped: an invoice over it is open.
CREATE TABLE retention_hold (
    tenant_id bigint NOT NULL,
    reason text NOT NULL CHECK (octet_length(reason) BETWEEN 1 AND 512),
    held_from timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, reason)
);

-- Before when tapes and consumption records were dropped. What lies before is never derived anew.
CREATE TABLE retention_floor (
    subject text PRIMARY KEY CHECK (subject IN ('tape', 'consumption')),
    dropped_before timestamptz NOT NULL,
    dropped_at timestamptz NOT NULL DEFAULT now()
);

-- What a run of the job was for, what it took and what it wrote.
ALTER TABLE job_run
    ADD COLUMN reason text NOT NULL DEFAULT 'changes',
    ADD COLUMN changes bigint NOT NULL DEFAULT 0,
    ADD COLUMN records bigint NOT NULL DEFAULT 0,
    ADD COLUMN from_at timestamptz,
    ADD COLUMN to_at timestamptz;

-- An epoch's row is updated by every commit: with no index on what changes, in place.
DROP INDEX epoch_by_gateway;

CREATE INDEX epoch_by_gateway ON epoch (gateway_id, first_received_at);

ALTER TABLE epoch SET (fillfactor = 50);

-- Makes the monthly partitions of the partitioned tables from one month to another, both included. Roll-ups begin a
-- month earlier: a zone's month begins before UTC's.
CREATE OR REPLACE FUNCTION make_partitions(first_month date, last_month date) RETURNS void
LANGUAGE plpgsql AS $function$
DECLARE
    month date := (date_trunc('month', first_month) - interval '1 month')::date;
    parent text;
BEGIN
    -- Two workers at the turn of a month make each partition once.
    PERFORM pg_advisory_xact_lock(hashtextextended('waybill.make_partitions', 0));
    WHILE month <= last_month LOOP
        FOREACH parent IN ARRAY ARRAY['tape', 'consumption', 'consumption_rollup'] LOOP
            CONTINUE WHEN parent <> 'consumption_rollup' AND month < date_trunc('month', first_month);
            IF to_regclass(format('%I', parent || to_char(month, '"_"YYYY"_"MM'))) IS NULL THEN
                -- Room in each page: a commit replaces tapes, and the job roll-ups, where they lie.
                EXECUTE format(
                    'CREATE TABLE %I PARTITION OF %I FOR VALUES FROM (%L) TO (%L) WITH (fillfactor = %s)',
                    parent || to_char(month, '"_"YYYY"_"MM'), parent,
                    to_char(month, 'YYYY-MM-DD') || ' 00:00:00+00',
                    to_char(month + interval '1 month', 'YYYY-MM-DD') || ' 00:00:00+00',
                    CASE parent WHEN 'consumption' THEN 90 ELSE 50 END
                );
            END IF;
        END LOOP;
        month := (month + interval '1 month')::date;
    END LOOP;
END
$function$;

-- The monthly partitions of a table that end at or before an instant, oldest first.
CREATE FUNCTION partitions_before(parent text, before timestamptz) RETURNS TABLE (partition text, ends_at timestamptz)
LANGUAGE sql STABLE AS $function$
    SELECT name, ends_at FROM (
        SELECT inhrelid::regclass::text AS name,
            (to_date(right(inhrelid::regclass::text, 7), 'YYYY_MM')::timestamp + interval '1 month')
                AT TIME ZONE 'UTC' AS ends_at
        FROM pg_inherits WHERE inhparent = parent::regclass
    ) AS partition
    WHERE ends_at <= before ORDER BY ends_at
$function$;

-- Drops the partitions of a table that end at or before an instant; returns how many.
CREATE FUNCTION drop_partitions(parent text, before timestamptz) RETURNS bigint
LANGUAGE plpgsql AS $function$
DECLARE
    name text;
    dropped bigint := 0;
BEGIN
    FOR name IN SELECT partition FROM partitions_before(parent, before) LOOP
        EXECUTE format('DROP TABLE %s', name);
        dropped := dropped + 1;
    END LOOP;
    RETURN dropped;
END
$function$;

-- Partitions for what is there, and its roll-ups.
SELECT make_partitions(min(quarter_hour AT TIME ZONE 'UTC')::date, max(quarter_hour AT TIME ZONE 'UTC')::date)
FROM consumption HAVING count(*) > 0;

INSERT INTO consumption_rollup
SELECT tenant_id, grain, 'UTC', date_trunc(grain, quarter_hour, 'UTC'), gateway_id, service_id,
    (date_trunc(grain, quarter_hour AT TIME ZONE 'UTC') + ('1 ' || grain)::interval) AT TIME ZONE 'UTC',
    count(*), sum(requests), sum(new_connections), sum(active_connections_sum), sum(active_connections_count),
    max(active_connections_maximum), sum(received_bytes), sum(sent_bytes), sum(responses_1xx), sum(responses_2xx),
    sum(responses_3xx), sum(responses_4xx), sum(responses_5xx),
    COALESCE(sum(carried_in) FILTER (WHERE quarter_hour = date_trunc(grain, quarter_hour, 'UTC')), 0)
FROM consumption CROSS JOIN unnest(ARRAY['hour', 'day', 'month']) AS grain
GROUP BY 1, 2, 3, 4, 5, 6, 7;

-- All is derived anew once: means exactly, and carried_over.
INSERT INTO tape_change (gateway_id, quarter_hour) SELECT DISTINCT gateway_id, quarter_hour FROM tape;
