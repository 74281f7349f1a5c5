/** Workflows: graphs of jobs and runs, and tasks that differ from their run; messages to runs; retries that were given up; lists of many runs and lines; what was counted. */
export const workflows = `
alter table "jobs" add column "graph" text;
alter table "runs" add column "graph" text;
alter table "runs" add column "generations" text;
alter table "runs" add column "parentTask" text;
create index "runs_children" on "runs" ("parentTask", "id") where "parentTask" is not null;
create index "runs_ended_children" on "runs" ("endedAt", "id") where "parentTask" is not null;
alter table "runs" add column "compensation" text;
alter table "tasks" add column "node" text;
alter table "tasks" add column "context" text;
alter table "tasks" add column "contextBytes" integer;
alter table "runs" add column "waits" text;
alter table "tasks" add column "waits" text;
create table if not exists "signals" (
  "id" text primary key not null, "namespace" text not null, "runId" text not null, "name" text not null, "payload" text not null,
  "bytes" integer not null, "by" text, "at" integer not null, "sequence" integer not null, "takenBy" text, "expiresAt" integer not null,
  "unclaimed" integer not null, "share" integer not null, "wakeAt" integer not null
) without rowid;
create index if not exists "signals_due" on "signals" ("wakeAt", "id", "share") where "wakeAt" is not null;
create index if not exists "signals_open" on "signals" ("namespace", "runId", "name", "at", "sequence", "id", "bytes") where "takenBy" is null;
create index if not exists "signals_taken" on "signals" ("takenBy", "id") where "takenBy" is not null;
create index if not exists "signals_unclaimed" on "signals" ("namespace") where "unclaimed" = 1;
create table if not exists "signals_large" ("record" text not null, "column" text not null, "text" text not null);
create unique index if not exists "signals_large_of" on "signals_large" ("record", "column");
create trigger if not exists "signals_large_gone" after delete on "signals"
  begin delete from "signals_large" where "record" = old."id"; end;
create table if not exists "deadLetters" (
  "id" text primary key not null, "namespace" text not null, "scene" text not null, "key" text, "payload" text not null, "state" text not null,
  "reason" text, "error" text, "attempt" integer not null, "sleeps" integer not null, "failed" text not null, "request" text not null, "traceparent" text,
  "requestedAt" integer not null, "at" integer not null, "redrivenAs" text, "redrivenWith" text, "isRedriven" integer not null, "by" text,
  "revision" integer not null
) without rowid;
create index if not exists "deadLetters_listed" on "deadLetters" ("namespace", "at", "id");
create index if not exists "deadLetters_of_scene" on "deadLetters" ("namespace", "scene", "at", "id");
create index if not exists "deadLetters_by_age" on "deadLetters" ("at", "id");
create table if not exists "deadLetters_large" ("record" text not null, "column" text not null, "text" text not null);
create unique index if not exists "deadLetters_large_of" on "deadLetters_large" ("record", "column");
create trigger if not exists "deadLetters_large_gone" after delete on "deadLetters"
  begin delete from "deadLetters_large" where "record" = old."id"; end;
alter table "runs" add column "program" text;
alter table "runs" add column "pinnedAt" integer;
alter table "runs" add column "refusedBy" text;
create index if not exists "runs_program" on "runs" ("namespace", "program", "state", "pinnedAt") where "program" is not null and "endedAt" is null;
alter table "tasks" add column "program" text;
alter table "tasks" add column "pinnedAt" integer;
alter table "tasks" add column "refusedBy" text;
create table if not exists "rollups" (
  "id" text primary key not null, "namespace" text not null, "scope" text not null, "level" text not null, "start" integer not null,
  "stream" integer not null, "upTo" integer not null, "revision" integer not null, "ended" integer not null, "failed" integer not null,
  "runCount" integer not null, "runSumMs" real not null, "runMaxMs" real not null, "values" text not null
) without rowid;
create index if not exists "rollups_by_time" on "rollups" ("level", "start", "namespace", "scope");
create index if not exists "runs_paused" on "runs" ("id") where "state" = 'paused';
create index if not exists "tasks_program" on "tasks" ("namespace", "program", "state", "pinnedAt") where "program" is not null and "endedAt" is null;
create index if not exists "runs_ended" on "runs" ("namespace", "state", "endedAt", "id")
  where "endedAt" is not null and "state" <> 'succeeded' and "state" <> 'removed';
create index if not exists "logs_alarming_recent" on "logs" ("namespace", "at") where "level" = 'warn' or "level" = 'error';
`
