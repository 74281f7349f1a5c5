import { test } from 'node:test'
import { openStore } from '../open-store.ts'
import type { Store } from '../ports.ts'
import { CONFORMANCE_CASES } from '../testing/index.ts'
import { dropDatabase, freshDatabase, SKIP_WITHOUT_ENGINE } from './test-database.ts'

for (const { name, run } of CONFORMANCE_CASES) {
  test(`mongodb: ${name}`, { skip: SKIP_WITHOUT_ENGINE }, async () => {
    const fresh = freshDatabase()
    const opened: Store[] = []
    const openAnother = async () => {
      const store = await openStore(fresh.url)
      opened.push(store)
      return store
    }
    try {
      await run(await openAnother(), { openAnother })
    } finally {
      for (const store of opened) await store.close()
      await dropDatabase(fresh)
    }
  })
}
