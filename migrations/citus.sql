-- How the tables are spread where the server has the extension Citus: tapes by instance, consumption by tenant,
-- dictionaries, gaps and evidence by gateway. Run after the migrations, and again after each that adds tables: what is
-- distributed already is left alone. The queue and the runs of the job stay on the coordinator, and so do invoices, which
-- are few and guarded by triggers.
SELECT create_reference_table('gateway') WHERE NOT EXISTS (SELECT FROM citus_tables WHERE table_name = 'gateway'::regclass);
SELECT create_reference_table('instance') WHERE NOT EXISTS (SELECT FROM citus_tables WHERE table_name = 'instance'::regclass);
SELECT create_reference_table('tenant') WHERE NOT EXISTS (SELECT FROM citus_tables WHERE table_name = 'tenant'::regclass);
SELECT create_reference_table('collect_version') WHERE NOT EXISTS (SELECT FROM citus_tables WHERE table_name = 'collect_version'::regclass);
SELECT create_reference_table('rollup_zone') WHERE NOT EXISTS (SELECT FROM citus_tables WHERE table_name = 'rollup_zone'::regclass);
SELECT create_reference_table('retention_floor') WHERE NOT EXISTS (SELECT FROM citus_tables WHERE table_name = 'retention_floor'::regclass);
SELECT create_distributed_table('tape', 'instance_id') WHERE NOT EXISTS (SELECT FROM citus_tables WHERE table_name = 'tape'::regclass);
SELECT create_distributed_table('packed_tape', 'instance_id') WHERE NOT EXISTS (SELECT FROM citus_tables WHERE table_name = 'packed_tape'::regclass);
SELECT create_distributed_table('epoch', 'instance_id') WHERE NOT EXISTS (SELECT FROM citus_tables WHERE table_name = 'epoch'::regclass);
SELECT create_distributed_table('epoch_baseline', 'instance_id') WHERE NOT EXISTS (SELECT FROM citus_tables WHERE table_name = 'epoch_baseline'::regclass);
SELECT create_distributed_table('stream_remark', 'instance_id') WHERE NOT EXISTS (SELECT FROM citus_tables WHERE table_name = 'stream_remark'::regclass);
SELECT create_distributed_table('service', 'tenant_id') WHERE NOT EXISTS (SELECT FROM citus_tables WHERE table_name = 'service'::regclass);
SELECT create_distributed_table('consumption', 'tenant_id') WHERE NOT EXISTS (SELECT FROM citus_tables WHERE table_name = 'consumption'::regclass);
SELECT create_distributed_table('consumption_rollup', 'tenant_id') WHERE NOT EXISTS (SELECT FROM citus_tables WHERE table_name = 'consumption_rollup'::regclass);
SELECT create_distributed_table('carried_over', 'tenant_id') WHERE NOT EXISTS (SELECT FROM citus_tables WHERE table_name = 'carried_over'::regclass);
SELECT create_distributed_table('retention_hold', 'tenant_id') WHERE NOT EXISTS (SELECT FROM citus_tables WHERE table_name = 'retention_hold'::regclass);
SELECT create_distributed_table('correction', 'tenant_id') WHERE NOT EXISTS (SELECT FROM citus_tables WHERE table_name = 'correction'::regclass);
SELECT create_distributed_table('counter', 'gateway_id') WHERE NOT EXISTS (SELECT FROM citus_tables WHERE table_name = 'counter'::regclass);
SELECT create_distributed_table('counter_set', 'gateway_id') WHERE NOT EXISTS (SELECT FROM citus_tables WHERE table_name = 'counter_set'::regclass);
SELECT create_distributed_table('gap', 'gateway_id') WHERE NOT EXISTS (SELECT FROM citus_tables WHERE table_name = 'gap'::regclass);
SELECT create_distributed_table('unattributed', 'gateway_id') WHERE NOT EXISTS (SELECT FROM citus_tables WHERE table_name = 'unattributed'::regclass);
SELECT create_distributed_table('otlp_export', 'instance_id') WHERE NOT EXISTS (SELECT FROM citus_tables WHERE table_name = 'otlp_export'::regclass);
SELECT create_distributed_table('gap_evidence', 'gateway_id') WHERE NOT EXISTS (SELECT FROM citus_tables WHERE table_name = 'gap_evidence'::regclass);
SELECT create_distributed_table('access_log_evidence', 'gateway_id') WHERE NOT EXISTS (SELECT FROM citus_tables WHERE table_name = 'access_log_evidence'::regclass);
SELECT create_distributed_table('access_log_second', 'gateway_id') WHERE NOT EXISTS (SELECT FROM citus_tables WHERE table_name = 'access_log_second'::regclass);
SELECT create_distributed_table('stream_peer', 'instance_id') WHERE NOT EXISTS (SELECT FROM citus_tables WHERE table_name = 'stream_peer'::regclass);
