/** Texts too large for their table, and gone with their record. What was stored in the table stays there. */
const large = (table: string) => `
create table if not exists "${table}_large" ("record" text not null, "column" text not null, "text" text not null);
create unique index if not exists "${table}_large_of" on "${table}_large" ("record", "column");
create trigger if not exists "${table}_large_gone" after delete on "${table}" begin delete from "${table}_large" where "record" = old."id"; end;
`

/** Items were part of the plan. */
const items = (table: string) => `
alter table "${table}" add column "items" text;
update "${table}" set "items" = json_extract("plan", '$.items'), "plan" = json_remove("plan", '$.items') where "plan" like '%"items":%';
`

/** An index for each filter of lists. Not of the values that most runs and lines have, nor of queued runs, which each run would pay for. */
export const largeTexts = `
${['runs', 'tasks', 'steps', 'jobs'].map(large).join('')}
${['runs', 'jobs'].map(items).join('')}
create index if not exists "runs_of_job_in_state" on "runs" ("namespace", "job", "state", "createdAt", "id")
  where "job" is not null and "state" <> 'succeeded' and "state" <> 'queued';
create index if not exists "logs_of_task" on "logs" ("namespace", "runId", "taskId", "at", "attempt", "seq") where "taskId" <> "runId";
create index if not exists "logs_alarming" on "logs" ("namespace", "runId", "at", "taskId", "attempt", "seq") where "level" = 'warn' or "level" = 'error';
`
