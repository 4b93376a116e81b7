-- Evidence narrows gaps: access logs by instance and second, and what they show inside each gap.

-- By which way an entry came: 'stream' (access log service), 'push' (JSON over HTTP), 'file' (files and pipes). The ways
-- show the same requests, so the largest of them counts, not their sum.
ALTER TABLE access_log_evidence ADD COLUMN way text NOT NULL DEFAULT 'stream'
    CONSTRAINT access_log_evidence_way CHECK (way IN ('stream', 'push', 'file'));

-- Answered requests by the second in which they ended, per instance and connection manager. Only entries with a stream
-- id, which count once. One row a worker's count, which only grows.
CREATE TABLE access_log_second (
    gateway_id bigint NOT NULL,
    quarter_hour timestamptz NOT NULL,
    -- Empty where the log does not say whose it is.
    instance text NOT NULL CHECK (octet_length(instance) <= 512),
    prefix text NOT NULL CHECK (octet_length(prefix) <= 512),
    writer_id bigint NOT NULL,
    way text NOT NULL CONSTRAINT access_log_second_way CHECK (way IN ('stream', 'push', 'file')),
    answered bigint NOT NULL CHECK (answered >= 0),
    -- Per second with entries: seconds since the one before, and how many; varints.
    seconds bytea NOT NULL,
    PRIMARY KEY (gateway_id, quarter_hour, instance, prefix, writer_id)
);

-- What access logs show inside a gap, by whose requests they are. Derived with the gap.
CREATE TABLE gap_evidence (
    gateway_id bigint NOT NULL,
    quarter_hour timestamptz NOT NULL,
    instance_id bigint NOT NULL,
    epoch_id bigint NOT NULL,
    reason text NOT NULL,
    from_at timestamptz NOT NULL,
    to_at timestamptz NOT NULL,
    -- 0 where the gap is the instance's.
    counter_id bigint NOT NULL,
    tenant_id bigint NOT NULL,
    service_id bigint NOT NULL,
    requests bigint NOT NULL CHECK (requests > 0),
    -- Of them, what a correction in force bills.
    billed bigint NOT NULL CHECK (billed BETWEEN 0 AND requests),
    PRIMARY KEY (
        gateway_id, quarter_hour, instance_id, epoch_id, reason, from_at, to_at, counter_id, tenant_id, service_id
    )
);

-- What a batch was made of: a file, captures of sinks, or evidence.
ALTER TABLE correction_batch ADD COLUMN kind text NOT NULL DEFAULT 'file'
    CONSTRAINT correction_batch_kind CHECK (kind IN ('file', 'captures', 'evidence'));

DO $block$
BEGIN
    ALTER TABLE gap_evidence ENABLE ROW LEVEL SECURITY;
    ALTER TABLE gap_evidence FORCE ROW LEVEL SECURITY;
    CREATE POLICY one_tenant ON gap_evidence USING (current_user <> 'waybill_api'
        OR tenant_id = NULLIF(current_setting('waybill.tenant', true), '')::bigint);
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'waybill_api') THEN
        GRANT SELECT ON gap_evidence TO waybill_api;
    END IF;
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'waybill_ingest') THEN
        GRANT SELECT, INSERT, UPDATE ON access_log_evidence, access_log_second TO waybill_ingest;
        GRANT SELECT ON gap TO waybill_ingest;
    END IF;
END
$block$;
