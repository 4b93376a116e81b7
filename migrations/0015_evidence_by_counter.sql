-- Evidence lies at the moment in which a counter counts a request: when the head of its answer goes out, not when it ends.
-- And it is counted by the counters that may bill it: the connection manager's, and the upstream cluster's.

-- What was kept by the second is of ends, and nothing tells the answers' heads of it. Files are read again at will, and
-- have other writers from here on; what came by other ways before stays as it was counted by the quarter hour.
DELETE FROM access_log_second;
DELETE FROM access_log_evidence WHERE way = 'file';

ALTER TABLE access_log_second RENAME COLUMN prefix TO counter;

-- The cluster that counts the request as completed; empty for one that none counts.
ALTER TABLE access_log_evidence ADD COLUMN cluster text NOT NULL DEFAULT ''
    CONSTRAINT access_log_evidence_cluster CHECK (octet_length(cluster) <= 512);
ALTER TABLE access_log_evidence DROP CONSTRAINT access_log_evidence_pkey;
ALTER TABLE access_log_evidence
    ADD CONSTRAINT access_log_evidence_pkey PRIMARY KEY (gateway_id, quarter_hour, prefix, route, cluster, writer_id);
