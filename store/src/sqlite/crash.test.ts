import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { openStore } from '../open-store.ts'
import { range } from '../testing/pages.ts'
import { runId } from '../testing/records.ts'

const WRITER = fileURLToPath(new URL('../testing/crash-writer.js', import.meta.url))
const ROUND = 1_000_000

interface Acknowledged {
  readonly created: string[]
  readonly ended: string[]
}

/** Lets a writer write until it has answered `answers` times, then kills it in the middle of what it does next. */
async function writeAndKill(url: string, first: number, answers: number): Promise<Acknowledged> {
  const writer = spawn(process.execPath, [WRITER, url, String(first)], { stdio: ['ignore', 'pipe', 'inherit'] })
  const exited = once(writer, 'exit')
  const acknowledged: Acknowledged = { created: [], ended: [] }
  let lines = 0
  for await (const line of createInterface({ input: writer.stdout })) {
    const [what, n, count] = line.split(' ')
    acknowledged[what as keyof Acknowledged].push(...range(Number(count), Number(n)).map(runId))
    if (++lines === answers) writer.kill('SIGKILL')
  }
  assert.deepEqual(await exited, [null, 'SIGKILL'])
  return acknowledged
}

test('sqlite: what was answered is there after kill -9 in the middle of a bulk', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'carillon-crash-'))
  const path = join(folder, 'store.db')
  try {
    for (const [round, answers] of [7, 12, 3, 16, 9].entries()) {
      const { created, ended } = await writeAndKill(`sqlite:${path}`, round * ROUND, answers)
      const store = await openStore(`sqlite:${path}`)
      const runs = await store.runs.get(created)
      assert.equal(runs.filter((run) => run === undefined).length, 0, 'runs lost')
      assert.ok(ended.length > 0)
      assert.deepEqual([...new Set((await store.runs.get(ended)).map((run) => run?.state))], ['succeeded'])
      await store.close()
      const database = new DatabaseSync(path)
      assert.deepEqual({ ...database.prepare('pragma integrity_check').get() }, { integrity_check: 'ok' })
      const counts = database.prepare(`select count(*) % 200 as "rest" from "runs" where "createdAt" >= ?`).get(0)
      assert.deepEqual({ ...counts }, { rest: 0 }, 'a bulk was stored in part')
      database.close()
    }
  } finally {
    await rm(folder, { recursive: true })
  }
})
