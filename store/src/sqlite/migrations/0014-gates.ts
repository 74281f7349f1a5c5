/** Which runs have a place where not all may run at once, and the order in which runs of a job came. */
export const gates = `
create table if not exists "gates" (
  "id" text primary key not null, "namespace" text not null, "job" text not null, "key" text, "holders" text not null, "window" text, "turn" text,
  "revision" integer not null, "share" integer not null, "wakeAt" integer
) without rowid;
create index if not exists "gates_due" on "gates" ("wakeAt", "id", "share") where "wakeAt" is not null;
create table if not exists "orders" ("id" text primary key not null, "next" integer not null) without rowid;
`
