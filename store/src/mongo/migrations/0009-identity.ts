import { ObjectId } from 'mongodb'
import type { MongoDatabase } from '../database.ts'

/** The id by which a broker identifies the store. Created once, so that a copy of the database is the same store. */
export async function identity(database: MongoDatabase): Promise<void> {
  const id = new ObjectId().toHexString()
  await database.write(() => database.collection('identity').updateOne({ _id: 'store' }, { $setOnInsert: { id } }, { upsert: true }))
}
