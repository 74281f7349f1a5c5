const LIFE = `
  "state" text not null, "reason" text, "attempt" integer not null, "attempts" integer not null, "losses" integer not null,
  "owner" text, "wakeAt" integer, "queuedAt" integer, "progress" text, "result" text, "error" text, "startedAt" integer, "endedAt" integer, "resume" text`

/**
 * One table per record kind and an index for each query. Partial where only few rows matter at any time,
 * so that a finished run costs nothing there. `runs_unfinished` leaves out the state that most runs end in. No condition is an `in (…)`: SQLite would
 * build a temporary table for it, at every write of every row.
 */
export const records = `
create table if not exists "runs" (
  "id" text primary key not null, "namespace" text not null, "job" text, "handler" text not null, "mode" text not null, "plan" text,
  "trigger" text not null, "key" text, "slot" integer, "payload" text not null, "backoff" text not null, "tries" integer not null,
  "timeoutMs" integer, "traceparent" text, "createdAt" integer not null, "share" integer not null, ${LIFE}
) without rowid;
create index if not exists "runs_due" on "runs" ("wakeAt", "id", "share") where "wakeAt" is not null;
create index if not exists "runs_queued" on "runs" ("queuedAt", "id") where "queuedAt" is not null;
create index if not exists "runs_owned" on "runs" ("namespace", "owner", "id") where "owner" is not null and "wakeAt" is not null;
create index if not exists "runs_recent" on "runs" ("namespace", "createdAt", "id");
create index if not exists "runs_of_job" on "runs" ("namespace", "job", "createdAt", "id") where "job" is not null;
create index if not exists "runs_unfinished" on "runs" ("namespace", "state", "createdAt", "id") where "state" <> 'succeeded';

create table if not exists "tasks" (
  "id" text primary key not null, "namespace" text not null, "runId" text not null, "index" integer not null,
  "share" integer not null, "total" integer not null, "name" text, "mapped" integer not null, "item" text, "target" text, ${LIFE}
) without rowid;
create index if not exists "tasks_due" on "tasks" ("wakeAt", "id", "share") where "wakeAt" is not null;
create index if not exists "tasks_owned" on "tasks" ("namespace", "owner", "id") where "owner" is not null and "wakeAt" is not null;
create index if not exists "tasks_queued" on "tasks" ("queuedAt", "id") where "queuedAt" is not null;
create index if not exists "tasks_in_state" on "tasks" ("runId", "state", "id", "mapped", "name");

create table if not exists "steps" (
  "id" text primary key not null, "namespace" text not null, "taskId" text not null, "index" integer not null, "epoch" integer not null,
  "try" integer not null, "attempt" integer not null, "name" text not null, "state" text not null, "result" text, "error" text, "final" integer not null, "until" integer,
  "at" integer not null
) without rowid;

create table if not exists "jobs" (
  "id" text primary key not null, "namespace" text not null, "name" text not null, "handler" text not null, "state" text not null,
  "description" text, "schedule" text, "payload" text not null, "mode" text not null, "plan" text, "attempts" integer not null,
  "backoff" text not null, "timeoutMs" integer, "misfire" text not null, "revision" integer not null, "share" integer not null,
  "wakeAt" integer, "createdAt" integer not null, "updatedAt" integer not null
) without rowid;
create index if not exists "jobs_due" on "jobs" ("wakeAt", "id", "share") where "wakeAt" is not null;
create index if not exists "jobs_by_name" on "jobs" ("namespace", "name");

create table if not exists "logs" (
  "namespace" text not null, "runId" text not null, "taskId" text not null, "attempt" integer not null, "seq" integer not null,
  "instance" text not null, "at" integer not null, "level" text not null, "message" text not null, "fields" text,
  primary key ("namespace", "runId", "taskId", "attempt", "seq")
) without rowid;
create index if not exists "logs_in_order" on "logs" ("namespace", "runId", "at", "taskId", "attempt", "seq");
create index if not exists "logs_by_age" on "logs" ("at");

create table if not exists "coordinators" (
  "id" text primary key not null, "beat" integer not null, "publishedBefore" integer not null
) without rowid;

create table if not exists "checks" ("id" text primary key not null, "count" integer not null) without rowid;
`
