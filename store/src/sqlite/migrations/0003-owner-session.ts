/** Which process of its name an owner is: unknown of what runs now. */
export const ownerSession = `
alter table "runs" add column "ownerSession" text;
alter table "tasks" add column "ownerSession" text;
`
