-- By which way a life of an instance was read (rule 8): 1 metrics service, 2 OTLP, 3 Prometheus pull, 4 metrics service
-- with deltas, 5 OTLP with deltas, 6 statsd. Each way tells the lives of an instance for itself.
ALTER TABLE epoch ADD COLUMN source_kind smallint NOT NULL DEFAULT 1;

DROP INDEX epoch_boot;

CREATE UNIQUE INDEX epoch_boot ON epoch (instance_id, source_kind, boot_id) WHERE boot_id IS NOT NULL;

-- The most requests that one flush brought: what bounds a stretch that nobody observed.
ALTER TABLE tape ADD COLUMN busiest_flush bigint NOT NULL DEFAULT 0;

-- Where an upper bound comes from: 'counted' (a counter said so), 'rate' (derived from the rates around the gap),
-- 'evidence' (access logs). Null with the bound.
ALTER TABLE gap ADD COLUMN upper_basis text;

-- Who put a version of the meters in force, and why.
ALTER TABLE meter_version ADD COLUMN applied_by text NOT NULL DEFAULT 'serve';

ALTER TABLE meter_version ADD COLUMN reason text;

-- Usage from elsewhere: a named batch, applied as a whole and reverted as a whole. The job lays what is in force over
-- the tapes' result; nothing of it is ever mixed into tapes.
CREATE TABLE correction_batch (
    correction_batch_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL UNIQUE CHECK (octet_length(name) BETWEEN 1 AND 128),
    -- Where it came from: a file's name, captures, evidence.
    source text NOT NULL,
    reason text,
    proposed_at timestamptz NOT NULL DEFAULT now(),
    proposed_by text NOT NULL,
    applied_at timestamptz,
    applied_by text,
    reverted_at timestamptz CHECK (reverted_at IS NULL OR applied_at IS NOT NULL),
    reverted_by text
);

CREATE TABLE correction (
    tenant_id bigint NOT NULL,
    correction_batch_id bigint NOT NULL,
    gateway_id bigint NOT NULL,
    service_id bigint NOT NULL,
    quarter_hour timestamptz NOT NULL,
    dimension text NOT NULL,
    quantity bigint NOT NULL CHECK (quantity <> 0),
    PRIMARY KEY (tenant_id, correction_batch_id, gateway_id, service_id, quarter_hour, dimension)
);

CREATE INDEX correction_by_quarter_hour ON correction (gateway_id, quarter_hour);

CREATE INDEX correction_by_batch ON correction (correction_batch_id);
