/** What only some jobs and runs have: where they run, priority and limits of time. */
export const rules = `
alter table "jobs" add column "routing" text;
alter table "runs" add column "routing" text;
alter table "runs" add column "target" text;
alter table "jobs" add column "terms" text;
alter table "runs" add column "terms" text;
`
