/** Alerts: rules, channels, incidents, and what is sent about them. */
export const alerts = `
create table if not exists "alertRules" (
  "id" text primary key not null, "namespace" text not null, "name" text not null, "rule" text not null, "by" text, "revision" integer not null,
  "createdAt" integer not null, "updatedAt" integer not null, "share" integer not null, "wakeAt" integer
) without rowid;
create index if not exists "alertRules_by_name" on "alertRules" ("namespace", "name");
create index if not exists "alertRules_due" on "alertRules" ("wakeAt", "id", "share") where "wakeAt" is not null;
create table if not exists "alertChannels" (
  "id" text primary key not null, "namespace" text not null, "name" text not null, "channel" text not null, "target" text not null,
  "secrets" text, "state" text not null, "by" text, "revision" integer not null, "createdAt" integer not null, "updatedAt" integer not null
) without rowid;
create index if not exists "alertChannels_by_name" on "alertChannels" ("namespace", "name");
create table if not exists "incidents" (
  "id" text primary key not null, "namespace" text not null, "rule" text not null, "scene" text not null, "cause" text not null,
  "isShown" integer not null, "isCurrent" integer not null, "count" integer not null, "counted" text not null, "examples" text not null,
  "openedAt" integer not null, "lastAt" integer not null, "goneAt" integer, "recoveredAt" integer, "recovery" text, "acknowledged" text,
  "snoozedUntil" integer, "reminders" integer not null, "announcedAt" integer, "owed" text not null, "revision" integer not null,
  "share" integer not null, "wakeAt" integer
);
create index if not exists "incidents_due" on "incidents" ("wakeAt", "id", "share") where "wakeAt" is not null;
create index if not exists "incidents_listed" on "incidents" ("namespace", "openedAt", "id") where "isShown" = 1;
create index if not exists "incidents_in_state" on "incidents" ("namespace", "isCurrent", "openedAt", "id") where "isShown" = 1;
create index if not exists "incidents_of_rule" on "incidents" ("namespace", "rule", "openedAt", "id") where "isShown" = 1;
create index if not exists "incidents_of_rule_in_state" on "incidents" ("namespace", "rule", "isCurrent", "openedAt", "id") where "isShown" = 1;
create index if not exists "incidents_current" on "incidents" ("namespace", "rule", "id") where "isCurrent" = 1;
create index if not exists "incidents_over" on "incidents" ("lastAt", "id") where "isCurrent" = 0;
create table if not exists "deliveries" (
  "id" text primary key not null, "namespace" text not null, "incident" text not null, "channel" text not null, "transition" text not null,
  "message" text not null, "state" text not null, "tries" integer not null, "answer" text, "at" integer not null, "sentAt" integer,
  "revision" integer not null, "share" integer not null, "wakeAt" integer
);
create index if not exists "deliveries_due" on "deliveries" ("wakeAt", "id", "share") where "wakeAt" is not null;
create index if not exists "deliveries_waiting" on "deliveries" ("channel", "at", "id", "wakeAt") where "wakeAt" is not null;
create index if not exists "deliveries_by_age" on "deliveries" ("at", "id");
`
