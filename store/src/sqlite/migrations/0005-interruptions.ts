/** Losses that are not held against a task; none of what runs now. */
export const interruptions = `
alter table "runs" add column "interruptions" integer;
alter table "tasks" add column "interruptions" integer;
`
