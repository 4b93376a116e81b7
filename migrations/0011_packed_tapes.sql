-- Tapes of quarter hours that are over, packed. A commit replaces the tapes of the current quarter hour again and again,
-- which needs a free place in each page for the next revision of every row: half of the page stays empty. So tapes lie in
-- tape while they are written, and the job moves them here afterwards, where pages are full. A row that is written again
-- after that lies in both until it is moved too: of one stream's rows the latest revision holds.
CREATE TABLE packed_tape (
    LIKE tape INCLUDING DEFAULTS,
    PRIMARY KEY (instance_id, epoch_id, quarter_hour, stream_id)
) PARTITION BY RANGE (quarter_hour);

CREATE INDEX packed_tape_by_quarter_hour ON packed_tape (gateway_id, quarter_hour);

-- All tapes: what every reader reads.
CREATE VIEW tapes AS
SELECT instance_id, epoch_id, quarter_hour, stream_id, gateway_id, revision, first_flush_at, last_flush_at, flushes,
    counter_set_id, gauge_set_id, is_delta, recent_flushes, readings, gauges, busiest_flush
FROM tape
UNION ALL
SELECT instance_id, epoch_id, quarter_hour, stream_id, gateway_id, revision, first_flush_at, last_flush_at, flushes,
    counter_set_id, gauge_set_id, is_delta, recent_flushes, readings, gauges, busiest_flush
FROM packed_tape;

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
        FOREACH parent IN ARRAY ARRAY['tape', 'packed_tape', 'consumption', 'consumption_rollup'] LOOP
            CONTINUE WHEN parent <> 'consumption_rollup' AND month < date_trunc('month', first_month);
            IF to_regclass(format('%I', parent || to_char(month, '"_"YYYY"_"MM'))) IS NULL THEN
                -- Room in each page: a commit replaces tapes, and the job roll-ups, where they lie.
                EXECUTE format(
                    'CREATE TABLE %I PARTITION OF %I FOR VALUES FROM (%L) TO (%L) WITH (fillfactor = %s)',
                    parent || to_char(month, '"_"YYYY"_"MM'), parent,
                    to_char(month, 'YYYY-MM-DD') || ' 00:00:00+00',
                    to_char(month + interval '1 month', 'YYYY-MM-DD') || ' 00:00:00+00',
                    CASE parent WHEN 'packed_tape' THEN 100 WHEN 'consumption' THEN 90 ELSE 50 END
                );
            END IF;
        END LOOP;
        month := (month + interval '1 month')::date;
    END LOOP;
END
$function$;

-- Partitions for the tapes that are there.
SELECT make_partitions(
    min(to_date(right(inhrelid::regclass::text, 7), 'YYYY_MM')), max(to_date(right(inhrelid::regclass::text, 7), 'YYYY_MM')))
FROM pg_inherits WHERE inhparent = 'tape'::regclass HAVING count(*) > 0;

DO $block$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'waybill_ingest') THEN
        GRANT SELECT ON tapes TO waybill_ingest;
    END IF;
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'waybill_billing') THEN
        GRANT SELECT, INSERT, UPDATE, DELETE ON packed_tape TO waybill_billing;
        GRANT SELECT ON tapes TO waybill_billing;
        -- Rows of these never change: by privilege, for a distributed table has no trigger.
        REVOKE UPDATE, DELETE, TRUNCATE ON lb_price, lb_definition FROM waybill_billing;
    END IF;
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'waybill_audit') THEN
        GRANT SELECT ON packed_tape, tapes TO waybill_audit;
    END IF;
END
$block$;
