/** Secrets by which other systems start runs of a job. */
export const webhooks = `
create table if not exists "webhooks" (
  "id" text primary key not null, "namespace" text not null, "job" text not null, "secrets" text not null, "by" text,
  "revision" integer not null, "createdAt" integer not null, "updatedAt" integer not null
) without rowid;
`
