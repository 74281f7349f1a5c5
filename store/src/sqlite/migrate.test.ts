import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { aJob, aRun, runId, START_AT } from '../testing/records.ts'
import { openSqliteStore } from './sqlite-store.ts'

test('a store of the first schema keeps the slots of its jobs', async (context) => {
  const folder = mkdtempSync(join(tmpdir(), 'carillon-'))
  context.after(() => rmSync(folder, { recursive: true }))
  const path = join(folder, 'c.db')
  const before = openSqliteStore({ path, synchronous: 'full', readOnly: false })
  await before.jobs.insert(aJob('report'))
  await before.jobs.insert(aJob('paused', { state: 'paused', nextSlotAt: null }))
  await before.close()
  const database = new DatabaseSync(path)
  database.exec(`alter table "jobs" drop column "nextSlotAt"; delete from "migrations" where "number" = 2`)
  database.close()

  const after = openSqliteStore({ path, synchronous: 'full', readOnly: false })
  context.after(() => after.close())
  const jobs = await after.jobs.get(['default/report', 'default/paused'])
  assert.deepEqual(
    jobs.map((job) => [job?.nextSlotAt, job?.wakeAt]),
    [
      [START_AT, START_AT],
      [null, null],
    ],
  )
})

test('of what ran before sessions were kept, the owner is known and its session is not', async (context) => {
  const folder = mkdtempSync(join(tmpdir(), 'carillon-'))
  context.after(() => rmSync(folder, { recursive: true }))
  const path = join(folder, 'c.db')
  const before = openSqliteStore({ path, synchronous: 'full', readOnly: false })
  await before.runs.insert([aRun(1, { state: 'running', owner: 'i-1', queuedAt: null })])
  await before.close()
  const database = new DatabaseSync(path)
  for (const table of ['runs', 'tasks']) database.exec(`alter table "${table}" drop column "ownerSession"`)
  database.exec(`delete from "migrations" where "number" = 3`)
  database.close()

  const after = openSqliteStore({ path, synchronous: 'full', readOnly: false })
  context.after(() => after.close())
  const [run] = await after.runs.get([runId(1)])
  assert.deepEqual([run?.owner, run?.ownerSession], ['i-1', null])
})
