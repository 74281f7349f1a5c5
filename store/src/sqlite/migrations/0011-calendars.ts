/** Named lists of days that schedules skip, or outside of which they do not fire. */
export const calendars = `
create table if not exists "calendars" (
  "id" text primary key not null, "namespace" text not null, "name" text not null, "description" text, "source" text not null,
  "hash" text not null, "count" integer not null, "firstDay" text not null, "lastDay" text not null, "omissions" text not null,
  "revision" integer not null, "createdAt" integer not null, "updatedAt" integer not null, "days" text not null
) without rowid;
create index if not exists "calendars_by_name" on "calendars" ("namespace", "name");
create table if not exists "calendars_large" ("record" text not null, "column" text not null, "text" text not null);
create unique index if not exists "calendars_large_of" on "calendars_large" ("record", "column");
create trigger if not exists "calendars_large_gone" after delete on "calendars"
  begin delete from "calendars_large" where "record" = old."id"; end;
`
