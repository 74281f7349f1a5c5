import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { MongoClient } from 'mongodb'
import { openStore } from '../open-store.ts'
import type { Store } from '../ports.ts'
import { CONFORMANCE_CASES } from '../testing/index.ts'

const url = process.env['CARILLON_TEST_MONGODB_URL']

if (url === undefined) {
  test('mongodb: conformance', { skip: process.env['CI'] === 'true' ? false : 'CARILLON_TEST_MONGODB_URL is not set' }, () =>
    assert.fail('in CI the MongoDB cases must run: set CARILLON_TEST_MONGODB_URL'),
  )
} else {
  for (const { name, run } of CONFORMANCE_CASES) {
    test(`mongodb: ${name}`, async () => {
      const address = new URL(url)
      const database = `carillon-test-${randomBytes(6).toString('hex')}`
      address.pathname = `/${database}`
      const opened: Store[] = []
      const openAnother = async () => {
        const store = await openStore(address.href)
        opened.push(store)
        return store
      }
      try {
        await run(await openAnother(), { openAnother })
      } finally {
        for (const store of opened) await store.close()
        const client = new MongoClient(url)
        await client.db(database).dropDatabase()
        await client.close()
      }
    })
  }
}
