import type { MongoDatabase } from '../database.ts'

/** Until now `wakeAt` was the slot as well. One by one: not every engine can set a field to the value of another. */
export async function nextSlot(database: MongoDatabase): Promise<void> {
  const jobs = database.collection('jobs')
  const unchanged = { wakeAt: { $exists: true }, nextSlotAt: { $exists: false } }
  for (const { _id, wakeAt } of await database.read(() => jobs.find(unchanged).toArray()))
    await database.write(() => jobs.updateOne({ _id, wakeAt, nextSlotAt: { $exists: false } }, { $set: { nextSlotAt: wakeAt } }))
}
