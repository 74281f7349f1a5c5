import type { MongoDatabase } from '../database.ts'

/** Tombstones of removed runs, by when they expire. */
export async function retention(database: MongoDatabase): Promise<void> {
  const removed = { name: 'removed', key: { forgetAt: 1, _id: 1 }, partialFilterExpression: { forgetAt: { $gte: 0 } } } as const
  await database.write(() => database.collection('runs').createIndexes([removed]))
}
