/** What a job does when its runs fail, and why it is paused. */
export const failingJobs = `
alter table "jobs" add column "pauseAfterFailures" integer;
alter table "jobs" add column "failureBackoff" text;
alter table "jobs" add column "note" text;
alter table "jobs" add column "resumedAt" integer;
`
