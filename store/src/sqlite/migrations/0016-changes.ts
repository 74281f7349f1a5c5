/** Who asked for a run; who changed a job, and what code declares of it; from when on its slots are missed. */
export const changes = `
alter table "runs" add column "by" text;
alter table "jobs" add column "misfireAfterMs" integer;
alter table "jobs" add column "change" text;
alter table "jobs" add column "declared" text;
alter table "jobs" add column "declaration" text;
create table if not exists "changes" (
  "id" text primary key not null, "revision" integer not null, "at" integer not null, "kind" text not null, "by" text, "version" integer,
  "definition" text not null
) without rowid;
create index if not exists "changes_by_age" on "changes" ("at", "id");
create table if not exists "changes_large" ("record" text not null, "column" text not null, "text" text not null);
create unique index if not exists "changes_large_of" on "changes_large" ("record", "column");
create trigger if not exists "changes_large_gone" after delete on "changes"
  begin delete from "changes_large" where "record" = old."id"; end;
`
