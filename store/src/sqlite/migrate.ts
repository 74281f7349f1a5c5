import type { Connection } from './connection.ts'
import { records } from './migrations/0001-records.ts'
import { nextSlot } from './migrations/0002-next-slot.ts'
import { ownerSession } from './migrations/0003-owner-session.ts'
import { retention } from './migrations/0004-retention.ts'
import { interruptions } from './migrations/0005-interruptions.ts'
import { delays } from './migrations/0006-delays.ts'
import { asked } from './migrations/0007-asked.ts'
import { largeTexts } from './migrations/0008-large-texts.ts'
import { identity } from './migrations/0009-identity.ts'
import { firstStart } from './migrations/0010-first-start.ts'
import { calendars } from './migrations/0011-calendars.ts'
import { jobChoices } from './migrations/0012-job-choices.ts'
import { failingJobs } from './migrations/0013-failing-jobs.ts'
import { gates } from './migrations/0014-gates.ts'
import { rules } from './migrations/0015-rules.ts'
import { changes } from './migrations/0016-changes.ts'
import { accounts } from './migrations/0017-accounts.ts'
import { alerts } from './migrations/0017-alerts.ts'
import { webhooks } from './migrations/0017-webhooks.ts'
import { workflows } from './migrations/0017-workflows.ts'

/** In order; a number is never reused, a step never changed once released. */
export const MIGRATIONS = [
  { number: 1, name: 'records', sql: records },
  { number: 2, name: 'next-slot', sql: nextSlot },
  { number: 3, name: 'owner-session', sql: ownerSession },
  { number: 4, name: 'retention', sql: retention },
  { number: 5, name: 'interruptions', sql: interruptions },
  { number: 6, name: 'delays', sql: delays },
  { number: 7, name: 'asked', sql: asked },
  { number: 8, name: 'large-texts', sql: largeTexts },
  { number: 9, name: 'identity', sql: identity },
  { number: 10, name: 'first-start', sql: firstStart },
  { number: 11, name: 'calendars', sql: calendars },
  { number: 12, name: 'job-choices', sql: jobChoices },
  { number: 13, name: 'failing-jobs', sql: failingJobs },
  { number: 14, name: 'gates', sql: gates },
  { number: 15, name: 'rules', sql: rules },
  { number: 16, name: 'changes', sql: changes },
  { number: 17, name: 'workflows', sql: workflows + alerts + accounts + webhooks },
] as const

/**
 * Brings the schema up to date. One transaction that begins by taking the write lock: a second process waits for it and then finds
 * nothing left to do.
 */
export function migrate(connection: Connection): void {
  connection.transaction(() => {
    connection.execute('create table if not exists "migrations" ("number" integer primary key, "name" text not null)')
    const applied = new Set(connection.all('select "number" from "migrations"', []).map((row) => row['number']))
    for (const { number, name, sql } of MIGRATIONS) {
      if (applied.has(number)) continue
      connection.execute(sql)
      connection.run('insert into "migrations" ("number", "name") values (?, ?)', [number, name])
    }
  })
}
