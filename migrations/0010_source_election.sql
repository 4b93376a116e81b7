-- Gateways that more than one source reports from: the others need no election.
CREATE INDEX epoch_of_other_sources ON epoch (gateway_id) WHERE source_kind > 1;

-- From where each stream came: who the two are where two Envoys report under one name.
CREATE TABLE stream_peer (
    instance_id bigint NOT NULL,
    stream_id bigint NOT NULL,
    peer text NOT NULL CHECK (octet_length(peer) BETWEEN 1 AND 256),
    begun_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (instance_id, stream_id)
);

-- When an epoch that fell silent without an orderly end was given up (rule 10: after 24 hours). It holds while nothing
-- was received after it.
ALTER TABLE epoch ADD COLUMN presumed_ended_at timestamptz;
