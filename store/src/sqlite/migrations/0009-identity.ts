/** The id by which a broker identifies the store. Created once, so that a copy of the file is the same store. */
export const identity = `
create table if not exists "identity" ("id" text primary key not null) without rowid;
insert into "identity" ("id") select lower(hex(randomblob(8))) where not exists (select 1 from "identity");
`
