import { statSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { MongoClient } from 'mongodb'

const KINDS = ['runs', 'tasks', 'steps', 'logs'] as const

/** What a store holds. */
export type Stored = Record<(typeof KINDS)[number], number> & {
  /** Of the runs: what is left of removed ones. */
  readonly tombstones: number
  /** Of the database on the disk. */
  readonly bytes: number
}

/** Counts the records of a store from outside. */
export async function stored(storeUrl: string): Promise<Stored> {
  return storeUrl.startsWith('sqlite:') ? ofSqlite(storeUrl.slice('sqlite:'.length)) : ofMongo(storeUrl)
}

function ofSqlite(path: string): Stored {
  const database = new DatabaseSync(path, { readOnly: true })
  try {
    const count = (rest: string) => Number(database.prepare(`select count(*) as "count" from ${rest}`).get()?.['count'])
    const counts = KINDS.map((kind) => [kind, count(`"${kind}"`)])
    return { ...Object.fromEntries(counts), tombstones: count('"runs" where "forgetAt" is not null'), bytes: statSync(path).size } as Stored
  } finally {
    database.close()
  }
}

async function ofMongo(url: string): Promise<Stored> {
  const client = new MongoClient(url)
  try {
    const count = async (kind: string, filter = {}) => client.db().collection(kind).countDocuments(filter)
    const counts = await Promise.all(KINDS.map(async (kind) => [kind, await count(kind)]))
    const { dataSize } = await client.db().stats()
    return { ...Object.fromEntries(counts), tombstones: await count('runs', { forgetAt: { $gt: 0 } }), bytes: dataSize } as Stored
  } finally {
    await client.close()
  }
}
