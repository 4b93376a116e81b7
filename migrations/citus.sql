-- How the tables are spread where the server has the extension Citus: tapes by instance, consumption by tenant, gaps and
-- evidence by gateway; dictionaries are whole on every node. Run after the migrations, and again after each that adds
-- tables: what is spread already is left alone. (A foreign key to a reference table makes a table "local", which is not
-- spread yet.) The queue and the runs of the job stay on the coordinator, and so do invoices, which are few and guarded by
-- triggers.
SELECT create_reference_table('gateway') WHERE NOT EXISTS (SELECT FROM citus_tables WHERE table_name = 'gateway'::regclass AND citus_table_type <> 'local');
SELECT create_reference_table('instance') WHERE NOT EXISTS (SELECT FROM citus_tables WHERE table_name = 'instance'::regclass AND citus_table_type <> 'local');
SELECT create_reference_table('tenant') WHERE NOT EXISTS (SELECT FROM citus_tables WHERE table_name = 'tenant'::regclass AND citus_table_type <> 'local');
SELECT create_reference_table('collect_version') WHERE NOT EXISTS (SELECT FROM citus_tables WHERE table_name = 'collect_version'::regclass AND citus_table_type <> 'local');
SELECT create_reference_table('rollup_zone') WHERE NOT EXISTS (SELECT FROM citus_tables WHERE table_name = 'rollup_zone'::regclass AND citus_table_type <> 'local');
SELECT create_reference_table('retention_floor') WHERE NOT EXISTS (SELECT FROM citus_tables WHERE table_name = 'retention_floor'::regclass AND citus_table_type <> 'local');
SELECT create_reference_table('service') WHERE NOT EXISTS (SELECT FROM citus_tables WHERE table_name = 'service'::regclass AND citus_table_type <> 'local');
SELECT create_reference_table('counter') WHERE NOT EXISTS (SELECT FROM citus_tables WHERE table_name = 'counter'::regclass AND citus_table_type <> 'local');
SELECT create_reference_table('counter_set') WHERE NOT EXISTS (SELECT FROM citus_tables WHERE table_name = 'counter_set'::regclass AND citus_table_type <> 'local');
SELECT create_distributed_table('tape', 'instance_id') WHERE NOT EXISTS (SELECT FROM citus_tables WHERE table_name = 'tape'::regclass AND citus_table_type <> 'local');
SELECT create_distributed_table('packed_tape', 'instance_id') WHERE NOT EXISTS (SELECT FROM citus_tables WHERE table_name = 'packed_tape'::regclass AND citus_table_type <> 'local');
SELECT create_distributed_table('epoch', 'instance_id') WHERE NOT EXISTS (SELECT FROM citus_tables WHERE table_name = 'epoch'::regclass AND citus_table_type <> 'local');
SELECT create_distributed_table('epoch_baseline', 'instance_id') WHERE NOT EXISTS (SELECT FROM citus_tables WHERE table_name = 'epoch_baseline'::regclass AND citus_table_type <> 'local');
SELECT create_distributed_table('stream_remark', 'instance_id') WHERE NOT EXISTS (SELECT FROM citus_tables WHERE table_name = 'stream_remark'::regclass AND citus_table_type <> 'local');
SELECT create_distributed_table('consumption', 'tenant_id') WHERE NOT EXISTS (SELECT FROM citus_tables WHERE table_name = 'consumption'::regclass AND citus_table_type <> 'local');
SELECT create_distributed_table('consumption_rollup', 'tenant_id') WHERE NOT EXISTS (SELECT FROM citus_tables WHERE table_name = 'consumption_rollup'::regclass AND citus_table_type <> 'local');
SELECT create_distributed_table('carried_over', 'tenant_id') WHERE NOT EXISTS (SELECT FROM citus_tables WHERE table_name = 'carried_over'::regclass AND citus_table_type <> 'local');
SELECT create_distributed_table('retention_hold', 'tenant_id') WHERE NOT EXISTS (SELECT FROM citus_tables WHERE table_name = 'retention_hold'::regclass AND citus_table_type <> 'local');
SELECT create_distributed_table('correction', 'tenant_id') WHERE NOT EXISTS (SELECT FROM citus_tables WHERE table_name = 'correction'::regclass AND citus_table_type <> 'local');
SELECT create_distributed_table('gap', 'gateway_id') WHERE NOT EXISTS (SELECT FROM citus_tables WHERE table_name = 'gap'::regclass AND citus_table_type <> 'local');
SELECT create_distributed_table('unattributed', 'gateway_id') WHERE NOT EXISTS (SELECT FROM citus_tables WHERE table_name = 'unattributed'::regclass AND citus_table_type <> 'local');
SELECT create_distributed_table('otlp_export', 'instance_id') WHERE NOT EXISTS (SELECT FROM citus_tables WHERE table_name = 'otlp_export'::regclass AND citus_table_type <> 'local');
SELECT create_distributed_table('gap_evidence', 'gateway_id') WHERE NOT EXISTS (SELECT FROM citus_tables WHERE table_name = 'gap_evidence'::regclass AND citus_table_type <> 'local');
SELECT create_distributed_table('access_log_evidence', 'gateway_id') WHERE NOT EXISTS (SELECT FROM citus_tables WHERE table_name = 'access_log_evidence'::regclass AND citus_table_type <> 'local');
SELECT create_distributed_table('access_log_second', 'gateway_id') WHERE NOT EXISTS (SELECT FROM citus_tables WHERE table_name = 'access_log_second'::regclass AND citus_table_type <> 'local');
SELECT create_distributed_table('stream_peer', 'instance_id') WHERE NOT EXISTS (SELECT FROM citus_tables WHERE table_name = 'stream_peer'::regclass AND citus_table_type <> 'local');
