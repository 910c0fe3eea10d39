-- SPDX-License-Identifier: Apache-2.0
-- The first schema.  Rules: every runtime row begins with part; ids are made by the lanes; nothing the hot path needs
-- is a trigger, sequence, advisory lock or volatile function; no index on a column that changes on a hot table.

-- Facts about the database as a whole: parts (refused at start when it differs).
create table setting (name text primary key, value text not null);
insert into setting values ('parts', '256');

-- One row per lane: who may write.  Every transaction of a lane ends by updating it.
create table lane (
	lane int primary key,
	owner bigint not null,			-- fresh for each daemon that takes over; 0: nobody
	seq bigint not null,			-- transactions of this owner: tells whether a lost COMMIT happened
	seen timestamptz not null,		-- database time; renewed every 3 s
	pid int, backend_start timestamptz,	-- terminated by whoever takes over
	first_part int not null, last_part int not null,	-- two that overlap never live at once
	prior_owner bigint not null default 0,	-- whom the last takeover found, and
	prior_seq bigint not null default 0	-- how far it had come
) with (fillfactor = 50);

-- Ids of a part below next_id may have been handed out.
create table part (part smallint primary key, next_id bigint not null) with (fillfactor = 50);

-- Numbers for deployments, resources and definitions, which belong to no part.
create table counter (name text primary key, next bigint not null);
insert into counter values ('reference', 1);

create table deployment (
	id bigint primary key,
	name text, source text, tenant text,
	created timestamptz not null,
	deleted bool not null default false
);
create table resource (
	id bigint primary key,
	deployment bigint not null references deployment,
	name text not null,
	bytes bytea not null,
	unique (deployment, name)
);
create table definition (
	id int primary key,
	deployment bigint not null references deployment,
	resource bigint not null references resource,
	process_index int not null,		/* which executable process of the file */
	wire_id text not null unique,
	key text not null,
	version int not null,
	tenant text,
	name text, category text, description text, version_tag text,
	ttl_days int,
	startable bool not null,
	suspended bool not null default false,
	deleted bool not null default false	-- its deployment is gone, history still shows it
);
create unique index definition_version on definition (key, version, coalesce(tenant, '')) where not deleted;
-- Nodes of a definition, so that lists show and filter ids, names and types without the diagram.
create table element (
	definition int not null references definition on delete cascade,
	elem int not null,			-- ordinal in the XML times 4 plus role
	id text not null,
	name text,
	type text not null,			-- Camunda's activityType
	scope int not null,			-- elem of what it lies in, 0: the process itself
	shares bool not null,			-- a token here runs in its scope's execution while it is alone there
	primary key (definition, elem)
);
create index element_id on element (id);
-- What of a definition makes jobs.
create table job_definition (
	definition int not null references definition on delete cascade,
	elem int not null,
	kind smallint not null,			-- enum job_kind
	type text not null, configuration text not null,	-- Camunda's jobType and jobConfiguration
	primary key (definition, elem, kind)
);
-- Definitions that are gone, and whose history is to go in the background.
create table swept (definition int primary key);

create table instance (
	part smallint not null, id bigint not null,
	root bigint not null,
	parent bigint,				-- calling activity
	definition int not null,
	business_key text, case_instance text,
	suspended bool not null,
	start_elem int not null,
	started timestamptz not null,
	root_started timestamptz not null,
	primary key (part, id)
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_cost_delay = 0);
create index instance_root on instance (part, root);
create index instance_business_key on instance (business_key) where business_key is not null;
create index instance_definition on instance (definition);

-- What runs: token, execution, external task and its lock in one row.
create table activity (
	part smallint not null, id bigint not null,
	inst bigint not null,
	parent bigint not null,			-- scope: an activity, or the instance
	definition int not null,
	elem int not null,
	state smallint not null,		-- enum activity_state
	flow int not null,
	started timestamptz not null,
	topic text,				-- external task from here on
	worker text,
	locked timestamptz, lock_until timestamptz,
	retries int,				-- null: no failure yet
	expiries int not null default 0,
	priority bigint not null default 0,
	message text, details text,
	primary key (part, id)
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_cost_delay = 0);
create index activity_inst on activity (part, inst);

-- User tasks: id is their activity's.
create table task (
	part smallint not null, id bigint not null,
	inst bigint not null,
	definition int not null,
	elem int not null,
	name text, description text, assignee text, form_key text,
	priority bigint not null,
	due timestamptz, follow_up timestamptz,
	created timestamptz not null,
	users text[] not null, groups text[] not null,
	primary key (part, id)
) with (fillfactor = 70);
create index task_inst on task (part, inst);
create index task_assignee on task (assignee, created);
create index task_created on task (created);
create index task_due on task (due) where due is not null;
create index task_users on task using gin (users);
create index task_groups on task using gin (groups);

-- Values too large for a row are written once and referenced by id.
create table big_value (
	part smallint not null, id bigint not null,
	root_started timestamptz not null,
	bytes bytea not null
) partition by range (root_started);
create index big_value_id on big_value (part, id);

create table variable (
	part smallint not null,
	scope bigint not null,			-- activity or instance
	name text not null,
	id bigint not null,
	inst bigint not null,
	type smallint not null,			-- base/types.def
	number bigint, real double precision, value bytea,
	big bigint,				-- in big_value, instead of value
	info text,				-- JSON: what a File or Object has besides content
	created timestamptz not null,
	primary key (part, scope, name)
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_cost_delay = 0);
create index variable_inst on variable (part, inst);

create table job (
	part smallint not null, id bigint not null,
	inst bigint not null,
	activity bigint not null,
	definition int not null,
	elem int not null,
	kind smallint not null,			-- enum job_kind
	due timestamptz,			-- null: at once
	retries int not null,
	priority bigint not null,
	cycle text,
	message text, failed_elem int,
	created timestamptz not null,
	primary key (part, id)
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_cost_delay = 0);
create index job_due on job (coalesce(due, created)) where retries > 0;
create index job_inst on job (part, inst);

create table incident (
	part smallint not null, id bigint not null,
	inst bigint not null,
	activity bigint not null,
	definition int not null,
	elem int not null,
	kind smallint not null,			-- enum incident_kind
	configuration bigint not null,		-- job, or activity of the external task
	message text, failed_elem int,
	created timestamptz not null,
	primary key (part, id)
);
create index incident_inst on incident (part, inst);

-- History is what has ended: rows move here whole, and are never changed.
create table history_process (
	part smallint not null, id bigint not null,
	root bigint not null, parent bigint,
	definition int not null,
	business_key text, case_instance text,
	state smallint not null,		-- enum instance_state
	reason text,
	start_elem int not null,
	started timestamptz not null, ended timestamptz not null,
	root_started timestamptz not null
) partition by range (root_started);
create index history_process_id on history_process (part, id);
create index history_process_ended on history_process (ended);
create index history_process_definition on history_process (definition, ended);
create index history_process_business_key on history_process (business_key) where business_key is not null;

create table history_activity (
	part smallint not null, id bigint not null,
	inst bigint not null, parent bigint not null,
	definition int not null, elem int not null,
	canceled bool not null,
	alone bool not null,			-- in its scope when it ended
	started timestamptz not null, ended timestamptz not null,
	worker text, assignee text,
	root_started timestamptz not null
) partition by range (root_started);
create index history_activity_inst on history_activity (part, inst);

create table history_variable (
	part smallint not null, id bigint not null,
	inst bigint not null, scope bigint not null,
	definition int not null, elem int not null,	-- of the scope
	name text not null,
	type smallint not null,
	number bigint, real double precision, value bytea, big bigint, info text,
	created timestamptz not null, ended timestamptz not null,
	dropped bool not null,			-- deleted by somebody, rather than gone with its scope
	root_started timestamptz not null
) partition by range (root_started);
create index history_variable_inst on history_variable (part, inst);

create table history_incident (
	part smallint not null, id bigint not null,
	inst bigint not null, activity bigint not null,
	definition int not null, elem int not null,
	kind smallint not null, configuration bigint not null,
	message text, failed_elem int,
	created timestamptz not null, ended timestamptz not null,
	resolved bool not null,			-- else deleted with its activity
	root_started timestamptz not null
) partition by range (root_started);
create index history_incident_inst on history_incident (part, inst);

-- One row per command: what happened, in the engine's own words.
create table event (
	part smallint not null, id bigint not null,	-- id: ascending within a tree
	root bigint not null,
	kind smallint not null,			-- engine/commands.def
	elem int not null,			-- element it is about, 0: none
	activity bigint not null,		-- activity it is about, 0: none
	definition int not null,
	at timestamptz not null,
	worker text, locked timestamptz,	-- who did it, and since when the task was held
	message text,				-- of a failure
	data bytea not null,			-- effects, versioned (engine/encode.c)
	root_started timestamptz not null
) partition by range (root_started);
create index event_root on event (part, root);
