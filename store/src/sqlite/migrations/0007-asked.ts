/** What was asked for under a key before is known by what became of it. */
export const asked = `
alter table "runs" add column "asked" text;
`
