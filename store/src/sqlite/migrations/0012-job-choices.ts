/** What runs of a job choose for it: its next slot and its data; and of a fixed delay the run that it waits for. */
export const jobChoices = `
alter table "jobs" add column "data" text;
alter table "jobs" add column "awaits" text;
alter table "jobs" add column "chosenSlotAt" integer;
`
