import type { IndexDescription } from 'mongodb'
import type { MongoDatabase } from '../database.ts'

const ALARMING = { level: { $in: ['warn', 'error'] } }

const INDEXES: Readonly<Record<string, readonly IndexDescription[]>> = {
  runs: [
    {
      name: 'ended',
      key: { namespace: 1, state: 1, endedAt: -1, _id: -1 },
      partialFilterExpression: { state: { $in: ['failed', 'timed_out', 'cancelled', 'skipped', 'expired'] }, endedAt: { $gte: 0 } },
    },
    {
      name: 'held',
      key: { namespace: 1, state: 1, createdAt: -1, _id: -1 },
      partialFilterExpression: { state: { $in: ['waiting', 'paused'] } },
    },
  ],
  logs: [
    { name: 'by-time', key: { at: 1, _id: 1 } },
    { name: 'alarming-by-time', key: { namespace: 1, at: 1, _id: 1 }, partialFilterExpression: ALARMING },
  ],
}

/** Lists of runs by when they ended, of runs that wait, and of log lines of a namespace. A run that succeeds is in none of them. */
export async function search(database: MongoDatabase): Promise<void> {
  for (const [collection, indexes] of Object.entries(INDEXES))
    await database.write(() => database.collection(collection).createIndexes([...indexes]))
  // The other one by time takes its place.
  const logs = database.collection('logs')
  const names = await database.read(() => logs.listIndexes().toArray())
  if (names.some(({ name }) => name === 'by-age')) await database.write(() => logs.dropIndex('by-age'))
}
