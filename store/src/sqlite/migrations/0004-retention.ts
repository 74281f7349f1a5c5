/** Tombstones of removed runs, and when they expire. */
export const retention = `
alter table "runs" add column "removedAt" integer;
alter table "runs" add column "forgetAt" integer;
create index if not exists "runs_removed" on "runs" ("forgetAt", "id", "share") where "forgetAt" is not null;
`
