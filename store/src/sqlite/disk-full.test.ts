import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, statfsSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { CarillonError } from '@carillon/contracts'
import { openStore } from '../open-store.ts'
import { range } from '../testing/pages.ts'
import { aFinish, aRun, runId, START_AT } from '../testing/records.ts'

const isFull = (error: unknown) => CarillonError.is(error) && error.code === 'STORE_FULL'

/** A folder that is a disk of 8 MiB, or undefined where we may not mount one. */
function smallDisk(): string | undefined {
  const folder = mkdtempSync(join(tmpdir(), 'carillon-full-'))
  const { status } = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=8m', 'tmpfs', folder])
  if (status === 0) return folder
  rmSync(folder, { recursive: true })
  return undefined
}

function remove(folder: string): void {
  execFileSync('umount', [folder])
  rmSync(folder, { recursive: true })
}

/** Takes what is left of the disk, as another program would. */
function fill(folder: string): string {
  const path = join(folder, 'filler')
  const { bavail, bsize } = statfsSync(folder)
  writeFileSync(path, Buffer.alloc(bavail * bsize))
  return path
}

test('sqlite: on a full disk there is room for as many runs as are removed', async (context) => {
  const folder = smallDisk()
  if (folder === undefined) return context.skip('needs root: a small disk must be mounted')
  const store = await openStore(`sqlite:${join(folder, 'store.db')}`)
  context.after(async () => {
    await store.close()
    remove(folder)
  })
  const ended = { state: 'succeeded', queuedAt: null, endedAt: START_AT } as const
  const insert = (from: number) =>
    store.runs.insert(range(50, from).map((n) => aRun(n, { ...ended, payload: JSON.stringify('x'.repeat(2_000)) })))
  let stored = 0
  await assert.rejects(async () => {
    for (; ; stored += 50) await insert(stored)
  }, isFull)
  const { size } = statSync(join(folder, 'store.db'))
  for (let from = 0; from < stored; from += 50) {
    const removed = await store.retention.markRemoved({ ids: range(50, from).map(runId), endedBefore: START_AT + 1, at: START_AT + 1 })
    assert.equal(await store.retention.forget(removed.map(({ id }) => id)), 50)
  }
  const half = Math.floor(stored / 100) * 50
  for (let from = stored; from < stored + half; from += 50) await insert(from)
  assert.ok(statSync(join(folder, 'store.db')).size <= size + 1024 * 1024, 'the pages of what was removed are used again')
})

test('sqlite: on a full disk new runs are refused, what runs can end, and it goes on when there is room', async (context) => {
  const folder = smallDisk()
  if (folder === undefined) return context.skip('needs root: a small disk must be mounted')
  const path = join(folder, 'store.db')
  let store = await openStore(`sqlite:${path}`)
  context.after(async () => {
    await store.close()
    remove(folder)
  })
  let stored = 0
  await assert.rejects(async () => {
    for (; ; stored += 50) await store.runs.insert(range(50, stored).map((n) => aRun(n, { payload: JSON.stringify('x'.repeat(2_000)) })))
  }, isFull)
  assert.ok(stored >= 500, `only ${stored} runs`)
  await assert.rejects(() => store.check(), isFull)
  // Whoever opens it again finds the ballast, too.
  await store.close()
  store = await openStore(`sqlite:${path}`)
  const filler = fill(folder)
  for (let n = 0; n < 500; n += 50) {
    const outcomes = await store.runs.update(range(50, n).map((i) => aFinish(runId(i))))
    assert.ok(outcomes.every((outcome) => outcome === 'applied'))
  }
  await assert.rejects(() => store.runs.insert([aRun(9_999)]), isFull)
  rmSync(filler)
  await store.coordinators.put({ id: 'c-1', beat: 1, publishedBefore: 1 })
  execFileSync('mount', ['-o', 'remount,size=32m', folder])
  assert.deepEqual(await store.runs.insert([aRun(9_999)]), ['created'])
  await store.check()
  assert.ok(existsSync(`${path}-ballast`), 'the ballast is back')
  assert.equal((await store.runs.get(range(stored).map(runId))).filter((run) => run === undefined).length, 0)
  const database = new DatabaseSync(path, { readOnly: true })
  assert.deepEqual({ ...database.prepare('pragma integrity_check').get() }, { integrity_check: 'ok' })
  database.close()
})
