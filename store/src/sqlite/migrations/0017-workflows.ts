/** Workflows: graphs of jobs and runs, and tasks that differ from their run. */
export const workflows = `
alter table "jobs" add column "graph" text;
alter table "runs" add column "graph" text;
alter table "runs" add column "generations" text;
alter table "tasks" add column "node" text;
alter table "tasks" add column "context" text;
alter table "tasks" add column "contextBytes" integer;
`
