const columns = (table: string) => `
alter table "${table}" add column "firstStartedAt" integer;
alter table "${table}" add column "sleeps" integer;
`

/** When a run or task with several attempts began, and how many of them only resumed after a sleep. */
export const firstStart = ['runs', 'tasks'].map(columns).join('')
