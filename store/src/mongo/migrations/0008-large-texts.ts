import type { IndexDescription } from 'mongodb'
import type { MongoDatabase } from '../database.ts'

/** The states by which runs are searched: not the state that most end in, and not queued, which each run would pay for. */
const LISTED = { $in: ['running', 'cancelling', 'delayed', 'failed', 'timed_out', 'cancelled', 'skipped'] }

/** A task that runs has both; of one that is done within milliseconds neither is ever stored, so it pays nothing. */
const OWNED: IndexDescription = {
  name: 'owned',
  key: { namespace: 1, owner: 1, _id: 1 },
  partialFilterExpression: { owner: { $gt: '' }, wakeAt: { $gte: 0 } },
}

/** An index for each filter that lists offer. */
const INDEXES: Readonly<Record<string, readonly IndexDescription[]>> = {
  runs: [
    OWNED,
    { name: 'in-state', key: { namespace: 1, state: 1, createdAt: -1, _id: -1 }, partialFilterExpression: { state: LISTED } },
    {
      name: 'of-job-in-state',
      key: { namespace: 1, job: 1, state: 1, createdAt: -1, _id: -1 },
      partialFilterExpression: { job: { $gt: '' }, state: LISTED },
    },
  ],
  tasks: [OWNED],
  logs: [
    {
      name: 'alarming',
      key: { namespace: 1, runId: 1, at: 1, taskId: 1, attempt: 1, seq: 1 },
      partialFilterExpression: { level: { $in: ['warn', 'error'] } },
    },
  ],
}

/** Items were part of the plan. One by one: not every engine can set a field to a part of another. */
export async function largeTexts(database: MongoDatabase): Promise<void> {
  for (const [collection, indexes] of Object.entries(INDEXES))
    await database.write(() => database.collection(collection).createIndexes([...indexes]))
  const runs = database.collection('runs')
  const names = await database.read(() => runs.listIndexes().toArray())
  if (names.some(({ name }) => name === 'failed')) await database.write(() => runs.dropIndex('failed'))
  for (const collection of ['runs', 'jobs'].map((name) => database.collection(name)))
    for (const { _id, plan } of await database.read(() => collection.find({ plan: /"items":/ }, { projection: { plan: 1 } }).toArray())) {
      const { items, ...rest } = JSON.parse(plan as string) as { items: string }
      await database.write(() => collection.updateOne({ _id, plan }, { $set: { items, plan: JSON.stringify(rest) } }))
    }
}
