/** Workflows: graphs of jobs and runs, and tasks that differ from their run; messages to runs. */
export const workflows = `
alter table "jobs" add column "graph" text;
alter table "runs" add column "graph" text;
alter table "runs" add column "generations" text;
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
`
