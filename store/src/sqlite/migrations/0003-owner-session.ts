/** The session of an owner: unknown for tasks that run at the time of this migration. */
export const ownerSession = `
alter table "runs" add column "ownerSession" text;
alter table "tasks" add column "ownerSession" text;
`
