import { randomBytes } from 'node:crypto'
import { MongoClient } from 'mongodb'

/** Why the tests that need an engine are skipped; false when there is one. In CI they must run, so they are never skipped there. */
export const SKIP_WITHOUT_ENGINE =
  process.env['CARILLON_TEST_MONGODB_URL'] === undefined && process.env['CI'] !== 'true' ? 'CARILLON_TEST_MONGODB_URL is not set' : false

/** The URL of a database of its own for one test. @throws without CARILLON_TEST_MONGODB_URL */
export function freshDatabase(): { url: string; database: string } {
  const url = process.env['CARILLON_TEST_MONGODB_URL']
  if (url === undefined) throw new Error('in CI the MongoDB tests must run: set CARILLON_TEST_MONGODB_URL')
  const database = `carillon-test-${randomBytes(6).toString('hex')}`
  const address = new URL(url)
  address.pathname = `/${database}`
  return { url: address.href, database }
}

export async function dropDatabase({ url, database }: { url: string; database: string }): Promise<void> {
  const client = new MongoClient(url)
  await client.db(database).dropDatabase()
  await client.close()
}
