import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { type TestContext, test } from 'node:test'
import { setInterval } from 'node:timers/promises'
import { CarillonError, type ErrorCode } from '@carillon/contracts'
import { openStore } from '../open-store.ts'
import { aFinish, aRun, runId } from '../testing/records.ts'
import { MIGRATIONS } from './migrate.ts'

const hasCode = (code: ErrorCode) => (error: unknown) => CarillonError.is(error) && error.code === code

function folderOf(context: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'carillon-sqlite-'))
  context.after(() => rmSync(folder, { recursive: true }))
  return folder
}

test('a store that is opened again has everything, and no migration runs twice', async (context) => {
  const path = join(folderOf(context), 'a/b/store.db')
  for (const outcome of ['created', 'duplicate']) {
    const store = await openStore(`sqlite:${path}`)
    assert.deepEqual(await store.runs.insert([aRun(1)]), [outcome])
    assert.equal(store.describe(), `sqlite ${path}`)
    await store.close()
  }
  const database = new DatabaseSync(path)
  assert.equal(database.prepare('select count(*) as "count" from "migrations"').get()?.['count'], MIGRATIONS.length)
  assert.equal(database.prepare('pragma journal_mode').get()?.['journal_mode'], 'wal')
  database.close()
})

test('what is written comes into the database before the log is at its longest, and no write waits for it', async (context) => {
  const path = join(folderOf(context), 'store.db')
  const store = await openStore(`sqlite:${path}`)
  const before = statSync(path).size
  // 7 MiB of log: no commit brings that in by itself.
  for (let n = 0; n < 400; n++) await store.runs.insert([aRun(n)])
  assert.equal(statSync(path).size, before)
  for await (const _ of setInterval(5)) if (statSync(path).size > before) break
  await store.runs.insert([aRun(400)])
  assert.equal((await store.runs.get(Array.from({ length: 401 }, (_, n) => runId(n)))).filter((run) => run === undefined).length, 0)
  await store.close()
})

test('a store opened for reading answers, and refuses every write with STORE_READ_ONLY', async (context) => {
  const path = join(folderOf(context), 'store.db')
  const writer = await openStore(`sqlite:${path}`)
  await writer.runs.insert([aRun(1)])
  const reader = await openStore(`sqlite:${path}`, { readOnly: true })
  assert.deepEqual(await reader.runs.get([runId(1)]), [aRun(1)])
  await assert.rejects(() => reader.runs.insert([aRun(2)]), hasCode('STORE_READ_ONLY'))
  await assert.rejects(() => reader.runs.update([aFinish(runId(1))]), hasCode('STORE_READ_ONLY'))
  await assert.rejects(() => reader.check(), hasCode('STORE_READ_ONLY'))
  await reader.close()
  await writer.close()
})

test('what is no database, not there or not reachable is STORE_UNAVAILABLE', async (context) => {
  const folder = folderOf(context)
  writeFileSync(join(folder, 'text'), 'this is not a database, but long enough to be looked at as one. '.repeat(50))
  await assert.rejects(() => openStore(`sqlite:${folder}/text`), hasCode('STORE_UNAVAILABLE'))
  await assert.rejects(() => openStore(`sqlite:${folder}/text/store.db`), hasCode('STORE_UNAVAILABLE'))
  await assert.rejects(() => openStore(`sqlite:${folder}`), hasCode('STORE_UNAVAILABLE'))
  await assert.rejects(() => openStore(`sqlite:${folder}/nothing.db`, { readOnly: true }), hasCode('STORE_UNAVAILABLE'))
  new DatabaseSync(join(folder, 'empty.db')).close()
  await assert.rejects(() => openStore(`sqlite:${folder}/empty.db`, { readOnly: true }), hasCode('STORE_UNAVAILABLE'))
})

test('another process that holds the write lock too long makes a write STORE_UNAVAILABLE', async (context) => {
  const path = join(folderOf(context), 'store.db')
  const store = await openStore(`sqlite:${path}`)
  const other = new DatabaseSync(path)
  other.exec('begin immediate')
  await assert.rejects(() => store.runs.insert([aRun(1)]), hasCode('STORE_UNAVAILABLE'))
  assert.deepEqual(await store.runs.get([runId(1)]), [undefined])
  other.exec('rollback')
  assert.deepEqual(await store.runs.insert([aRun(1)]), ['created'])
  other.close()
  await store.close()
})

test('a store in memory needs no file', async () => {
  const store = await openStore('sqlite::memory:')
  assert.deepEqual(await store.runs.insert([aRun(1)]), ['created'])
  await store.check()
  await store.close()
})
