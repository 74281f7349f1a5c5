/** Losses that a task is known not to have caused; none for existing tasks. */
export const interruptions = `
alter table "runs" add column "interruptions" integer;
alter table "tasks" add column "interruptions" integer;
`
