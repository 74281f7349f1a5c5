/** Who may sign in, and what they have changed. */
export const accounts = `
create table if not exists "users" (
  "id" text primary key not null, "name" text not null, "passwordHash" text, "issuer" text, "subject" text, "memberships" text not null,
  "epoch" text not null, "revision" integer not null, "createdAt" integer not null, "updatedAt" integer not null
) without rowid;
create table if not exists "sessions" (
  "id" text primary key not null, "userId" text not null, "epoch" text not null, "createdAt" integer not null, "seenAt" integer not null,
  "expiresAt" integer not null
) without rowid;
create index if not exists "sessions_expiring" on "sessions" ("expiresAt", "id");
create table if not exists "tokens" (
  "id" text primary key not null, "namespace" text not null, "name" text not null, "hash" text not null, "role" text not null,
  "payloads" integer not null, "createdBy" text not null, "createdByName" text not null, "createdAt" integer not null, "expiresAt" integer,
  "usedAt" integer
) without rowid;
create index if not exists "tokens_listed" on "tokens" ("namespace", "id");
create index if not exists "tokens_expiring" on "tokens" ("expiresAt", "id") where "expiresAt" is not null;
create table if not exists "links" (
  "id" text primary key not null, "purpose" text not null, "userId" text, "userEpoch" text, "namespace" text, "role" text, "payloads" integer not null,
  "createdBy" text not null, "createdAt" integer not null, "expiresAt" integer not null, "usedAt" integer
) without rowid;
create index if not exists "links_expiring" on "links" ("expiresAt", "id");
create table if not exists "audit" (
  "id" text primary key not null, "namespace" text not null, "at" integer not null, "action" text not null, "actorId" text,
  "actor" text not null, "via" text not null, "address" text, "resource" text, "requestId" text, "outcome" text not null, "details" text
) without rowid;
create index if not exists "audit_listed" on "audit" ("namespace", "at", "id");
create index if not exists "audit_of_actor" on "audit" ("namespace", "actor", "at", "id");
create index if not exists "audit_of_action" on "audit" ("namespace", "action", "at", "id");
create index if not exists "audit_by_age" on "audit" ("at", "id");
`
