import type { MongoDatabase } from '../database.ts'

/** Where each run waits to be started. */
export async function rules(database: MongoDatabase): Promise<void> {
  await database.write(() =>
    database
      .collection('runs')
      .createIndexes([
        { name: 'waiting', key: { gate: 1, gateKey: 1, gateOrder: 1, _id: 1 }, partialFilterExpression: { state: 'waiting' } },
      ]),
  )
}
