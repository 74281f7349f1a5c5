import { MongoServerError } from 'mongodb'
import type { MongoDatabase } from './database.ts'
import { records } from './migrations/0001-records.ts'
import { nextSlot } from './migrations/0002-next-slot.ts'
import { retention } from './migrations/0004-retention.ts'
import { largeTexts } from './migrations/0008-large-texts.ts'
import { NAMESPACE_EXISTS } from './mongo-error.ts'

/** In order; a number is never reused, a step never changed once released. */
const MIGRATIONS: readonly { number: number; name: string; apply: (database: MongoDatabase) => Promise<void> }[] = [
  { number: 1, name: 'records', apply: (database) => createCollections(database, records) },
  { number: 2, name: 'next-slot', apply: nextSlot },
  { number: 4, name: 'retention', apply: retention },
  { number: 8, name: 'large-texts', apply: largeTexts },
]

/**
 * Brings collections and indexes up to date. Every step may be done twice, also at the same time by two processes: what is there already
 * is left as it is. A step is recorded when all of it is there.
 */
export async function migrate(database: MongoDatabase): Promise<void> {
  const migrations = database.collection('migrations')
  const applied = new Set((await database.read(() => migrations.find().toArray())).map((document) => document._id))
  for (const { number, name, apply } of MIGRATIONS) {
    if (applied.has(number)) continue
    await apply(database)
    await database.write(() => migrations.updateOne({ _id: number }, { $set: { name } }, { upsert: true }))
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
