/** Until now `wakeAt` was the slot as well. */
export const nextSlot = `
alter table "jobs" add column "nextSlotAt" integer;
update "jobs" set "nextSlotAt" = "wakeAt";
`
