import { MongoServerError } from 'mongodb'
import { refuseNewer } from '../schema-version.ts'
import type { MongoDatabase } from './database.ts'
import { records } from './migrations/0001-records.ts'
import { nextSlot } from './migrations/0002-next-slot.ts'
import { retention } from './migrations/0004-retention.ts'
import { largeTexts } from './migrations/0008-large-texts.ts'
import { identity } from './migrations/0009-identity.ts'
import { calendars } from './migrations/0011-calendars.ts'
import { gates } from './migrations/0014-gates.ts'
import { rules } from './migrations/0015-rules.ts'
import { changes } from './migrations/0016-changes.ts'
import { accounts } from './migrations/0017-accounts.ts'
import { alerts } from './migrations/0017-alerts.ts'
import { deadLetters } from './migrations/0017-dead-letters.ts'
import { search } from './migrations/0017-search.ts'
import { stats } from './migrations/0017-stats.ts'
import { webhooks } from './migrations/0017-webhooks.ts'
import { workflows } from './migrations/0017-workflows.ts'
import { DUPLICATE_KEY, NAMESPACE_EXISTS } from './mongo-error.ts'
import { waitUntil } from './retry.ts'

/** In order; a number is never reused, a step never changed once released. */
export const MIGRATIONS: readonly { number: number; name: string; apply: (database: MongoDatabase) => Promise<void> }[] = [
  { number: 1, name: 'records', apply: (database) => createCollections(database, records) },
  { number: 2, name: 'next-slot', apply: nextSlot },
  { number: 4, name: 'retention', apply: retention },
  { number: 8, name: 'large-texts', apply: largeTexts },
  { number: 9, name: 'identity', apply: identity },
  // A document gets a new field when it is written. Recorded all the same: programs before it must not open the database.
  { number: 10, name: 'first-start', apply: async () => undefined },
  { number: 11, name: 'calendars', apply: (database) => createCollections(database, calendars) },
  { number: 12, name: 'job-choices', apply: async () => undefined },
  { number: 13, name: 'failing-jobs', apply: async () => undefined },
  { number: 14, name: 'gates', apply: (database) => createCollections(database, gates) },
  { number: 15, name: 'rules', apply: (database) => createCollections(database, rules) },
  { number: 16, name: 'changes', apply: (database) => createCollections(database, changes) },
  {
    number: 17,
    name: 'workflows',
    apply: async (database) => {
      await createCollections(database, { ...workflows, ...deadLetters, ...stats, ...alerts, ...accounts, ...webhooks })
      await search(database)
    },
  },
]

/** Two processes that create the same indexes at the same moment can block each other for ever in some engines. */
const LOCK = 'lock'
/** Longer than a migration of a new database. A process that died in the middle of one leaves its lock behind: after this it is ignored. */
const LOCKED_FOR_MS = 30_000

/**
 * Brings collections and indexes up to date, one process at a time. Every step is idempotent, also when two processes do it at once: what is
 * there already is left as it is. A step is recorded when all of it is there. @param lockedForMs after this a lock is ignored
 */
export async function migrate(database: MongoDatabase, lockedForMs = LOCKED_FOR_MS): Promise<void> {
  if ((await missing(database)).length === 0) return
  await waitForTurn(database, lockedForMs)
  const migrations = database.collection('migrations')
  for (const { number, name, apply } of await missing(database)) {
    await apply(database)
    await database.write(() => migrations.updateOne({ _id: number }, { $set: { name } }, { upsert: true }))
  }
  await database.write(() => migrations.deleteOne({ _id: LOCK }))
}

async function missing(database: MongoDatabase): Promise<typeof MIGRATIONS> {
  const applied = await appliedTo(database)
  return MIGRATIONS.filter(({ number }) => !applied.has(number))
}

/** Numbers of the steps that are recorded. @throws CarillonError STORE_TOO_NEW */
export async function appliedTo(database: MongoDatabase): Promise<Set<unknown>> {
  const documents = await database.read(() => database.collection('migrations').find().toArray())
  const applied = documents.map((document) => document._id)
  refuseNewer(Math.max(0, ...applied.filter((id) => typeof id === 'number')), database.place)
  return new Set(applied)
}

/** Resolves when this process has the lock, when another one is done, or when the owner of the lock is regarded as dead. */
const waitForTurn = (database: MongoDatabase, lockedForMs: number) =>
  waitUntil(async () => (await database.write(() => lock(database))) || (await missing(database)).length === 0, lockedForMs)

async function lock(database: MongoDatabase): Promise<boolean> {
  try {
    await database.collection('migrations').insertOne({ _id: LOCK })
    return true
  } catch (error) {
    if (error instanceof MongoServerError && error.code === DUPLICATE_KEY) return false
    throw error
  }
}

async function createCollections(database: MongoDatabase, collections: typeof records): Promise<void> {
  for (const [collection, indexes] of Object.entries(collections)) {
    await database.write(() => createUnlessThere(database, collection))
    if (indexes.length > 0) await database.write(() => database.collection(collection).createIndexes([...indexes]))
  }
}

async function createUnlessThere(database: MongoDatabase, name: string): Promise<void> {
  try {
    await database.createCollection(name)
  } catch (error) {
    if (!(error instanceof MongoServerError && error.code === NAMESPACE_EXISTS)) throw error
  }
}
