/** Requests of earlier versions are not stored: their runs are compared instead. */
export const asked = `
alter table "runs" add column "asked" text;
`
