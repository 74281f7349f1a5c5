import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { openStore } from '../open-store.ts'
import type { Store } from '../ports.ts'
import { CONFORMANCE_CASES } from '../testing/index.ts'

for (const { name, run } of CONFORMANCE_CASES) {
  test(`sqlite: ${name}`, async () => {
    const folder = await mkdtemp(join(tmpdir(), 'carillon-store-'))
    const opened: Store[] = []
    const openAnother = async () => {
      const store = await openStore(`sqlite:${folder}/store.db`)
      opened.push(store)
      return store
    }
    try {
      await run(await openAnother(), { openAnother })
    } finally {
      for (const store of opened) await store.close()
      await rm(folder, { recursive: true })
    }
  })
}
