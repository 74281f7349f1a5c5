/** Delays that were stored before are regarded as points in time. */
export const delays = `
alter table "runs" add column "delayMs" integer;
alter table "tasks" add column "delayMs" integer;
`
