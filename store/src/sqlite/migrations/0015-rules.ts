/** What only some jobs and runs have: where they run, priority and limits of time. */
export const rules = `
alter table "jobs" add column "routing" text;
alter table "runs" add column "routing" text;
alter table "runs" add column "target" text;
alter table "jobs" add column "terms" text;
alter table "runs" add column "terms" text;
alter table "runs" add column "gate" text;
alter table "runs" add column "gateKey" text;
alter table "runs" add column "gateOrder" integer;
create index if not exists "runs_waiting" on "runs" ("gate", "gateKey", "gateOrder", "id") where "gate" is not null and "state" = 'waiting';
alter table "jobs" add column "gating" text;
alter table "jobs" add column "lastRunId" text;
alter table "jobs" add column "triggers" text;
create index if not exists "jobs_triggered" on "jobs" ("id") where "triggers" is not null;
`
