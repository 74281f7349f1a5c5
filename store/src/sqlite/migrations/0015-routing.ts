/** On which instances the tasks of a job or a run may run, and the instance that a task was offered to. */
export const routing = `
alter table "jobs" add column "routing" text;
alter table "runs" add column "routing" text;
alter table "runs" add column "target" text;
`
