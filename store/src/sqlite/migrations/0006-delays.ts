/** Delays that were stored before are taken for times that someone named. */
export const delays = `
alter table "runs" add column "delayMs" integer;
alter table "tasks" add column "delayMs" integer;
`
