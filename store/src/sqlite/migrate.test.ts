import assert from 'node:assert/strict'
import { copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync, type SQLInputValue } from 'node:sqlite'
import { type TestContext, test } from 'node:test'
import type { CarillonError } from '@carillon/contracts'
import { SCHEMA_VERSION } from '../schema-version.ts'
import { aJob, aRun, START_AT } from '../testing/records.ts'
import { MIGRATIONS } from './migrate.ts'
import { openSqliteStore } from './sqlite-store.ts'

/** A database as it was after the first migration, with rows of its tables: of their columns those that there were. */
function firstSchema(context: TestContext, rows: Readonly<Record<string, readonly object[]>>): string {
  const folder = mkdtempSync(join(tmpdir(), 'carillon-'))
  context.after(() => rmSync(folder, { recursive: true }))
  const path = join(folder, 'c.db')
  const database = new DatabaseSync(path)
  database.exec(
    `create table "migrations" ("number" integer primary key, "name" text not null); insert into "migrations" values (1, 'records')`,
  )
  database.exec(MIGRATIONS[0].sql)
  for (const [table, records] of Object.entries(rows))
    for (const record of records) {
      const known = new Set(
        database
          .prepare('select "name" from pragma_table_info(?)')
          .all(table)
          .map((column) => column['name']),
      )
      const fields = Object.entries(record).filter(([column]) => known.has(column))
      const values = fields.map(([, value]): SQLInputValue => (typeof value === 'object' && value ? JSON.stringify(value) : value))
      const columns = fields.map(([column]) => `"${column}"`).join(', ')
      database.prepare(`insert into "${table}" (${columns}) values (${fields.map(() => '?').join(', ')})`).run(...values)
    }
  database.close()
  return path
}

test('the newest migration is the schema version', () => {
  assert.equal(MIGRATIONS.at(-1)?.number, SCHEMA_VERSION)
})

test('a store of a newer version is refused with a code that names both, also for reading, and nothing is changed', (context) => {
  const path = firstSchema(context, {})
  openSqliteStore({ path, synchronous: 'full', readOnly: false }).close()
  const database = new DatabaseSync(path)
  database.exec(`insert into "migrations" values (${SCHEMA_VERSION + 1}, 'of tomorrow'); pragma journal_mode = delete`)
  database.close()
  const before = readFileSync(path)
  for (const readOnly of [false, true])
    assert.throws(
      () => openSqliteStore({ path, synchronous: 'full', readOnly }),
      (error: CarillonError) =>
        error.code === 'STORE_TOO_NEW' &&
        error.message.endsWith(`has schema version ${SCHEMA_VERSION + 1}; this program knows versions up to ${SCHEMA_VERSION}`),
    )
  assert.deepEqual(readFileSync(path), before)
})

test('a store keeps its id, and a copy of it has the same', async (context) => {
  const path = firstSchema(context, {})
  const open = (file: string) => openSqliteStore({ path: file, synchronous: 'full', readOnly: false })
  const store = open(path)
  const { id } = store
  assert.match(id, /^[0-9a-f]{16}$/)
  await store.close()
  copyFileSync(path, `${path}-copy`)
  const others = [open(path), open(`${path}-copy`), open(':memory:')]
  assert.deepEqual(
    others.map((other) => other.id === id),
    [true, true, false],
  )
  for (const other of others) await other.close()
})

test('a store of the first schema keeps the slots of its jobs', async (context) => {
  const path = firstSchema(context, { jobs: [aJob('report'), aJob('paused', { state: 'paused', wakeAt: null })] })
  const after = openSqliteStore({ path, synchronous: 'full', readOnly: false })
  context.after(() => after.close())
  const jobs = await after.jobs.get(['default/report', 'default/paused'])
  assert.deepEqual(
    jobs.map((found) => [found?.nextSlotAt, found?.wakeAt]),
    [
      [START_AT, START_AT],
      [null, null],
    ],
  )
})

test('of what ran before sessions were kept, the owner is known and its session is not', async (context) => {
  const path = firstSchema(context, { runs: [aRun(1, { state: 'running', owner: 'i-1', queuedAt: null })] })
  const after = openSqliteStore({ path, synchronous: 'full', readOnly: false })
  context.after(() => after.close())
  const [run] = await after.runs.get([aRun(1).id])
  assert.deepEqual([run?.owner, run?.ownerSession], ['i-1', null])
})

test('a store of the first schema keeps the items of plans, and what it has of large texts', async (context) => {
  const items = JSON.stringify(['x'.repeat(10_000), 2])
  const plan = { shards: 2, items, maxParallel: 1 }
  const whole = aRun(1, { mode: 'shards', plan: { shards: 2, maxParallel: 1 }, items, payload: JSON.stringify('y'.repeat(100_000)) })
  const job = aJob('report', { mode: 'shards', plan })
  const path = firstSchema(context, { runs: [{ ...whole, plan }, aRun(2)], jobs: [job] })
  const after = openSqliteStore({ path, synchronous: 'full', readOnly: false })
  context.after(() => after.close())
  assert.deepEqual(await after.runs.get([whole.id, aRun(2).id]), [whole, aRun(2)])
  assert.deepEqual((await after.jobs.get([job.id]))[0]?.items, items)
  const result = JSON.stringify('z'.repeat(100_000))
  assert.deepEqual(await after.runs.update([{ id: whole.id, expect: { state: ['queued'] }, set: { state: 'succeeded', result } }]), [
    'applied',
  ])
  assert.deepEqual(await after.runs.get([whole.id]), [{ ...whole, state: 'succeeded', result }])
})
