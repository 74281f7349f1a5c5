import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { systemClock } from '@carillon/runtime'
import { startTestBroker } from '@carillon/runtime/testing'
import { openStore } from '@carillon/store'
import { CountEnds } from './count-ends.ts'
import { PublishedEnds } from './published-ends.ts'
import { endedEvents } from './read-ends.ts'

const MAIN = fileURLToPath(new URL('../testing/count-main.js', import.meta.url))
const JOBS = 40
const BATCH = 200
const AT = Date.parse('2026-11-28T05:00:00.000Z')

function urls(t: TestContext): { name: string; url: string }[] {
  const folder = mkdtempSync(join(tmpdir(), 'carillon-count-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const sqlite = { name: 'sqlite', url: `sqlite:${join(folder, 'store.db')}` }
  const { CARILLON_TEST_MONGODB_URL } = process.env
  if (CARILLON_TEST_MONGODB_URL === undefined) return [sqlite]
  const address = new URL(CARILLON_TEST_MONGODB_URL)
  address.pathname = `/carillon-test-${randomBytes(6).toString('hex')}`
  return [sqlite, { name: 'mongodb', url: address.href }]
}

test('kill -9 of who counts, in the middle of it, again and again, two at a time: each end is counted once', async (t) => {
  const broker = await startTestBroker(['EVENTS'])
  t.after(() => broker.stop())
  let made = 0
  const publish = () => {
    const messages = Array.from({ length: BATCH }, () => {
      const n = made++
      const [runId, job, at] = [`run-${n}`, `job-${n % JOBS}`, new Date(AT + (n % 7) * 60_000).toISOString()]
      const body = JSON.stringify({ runId, job, handler: 'work', state: 'succeeded', reason: 'completed', attempt: 1, at, ranMs: n % 100 })
      return { subject: `carillon.default.event.run.${runId}.succeeded`, body }
    })
    return new Promise((resolve) => broker.publisher.publishAll(messages, resolve))
  }
  for (const { name, url } of urls(t)) {
    const store = await openStore(url)
    t.after(() => store.close())
    const killed = async (rounds: number) => {
      const child = spawn(process.execPath, [MAIN, broker.server.url, url], { stdio: ['ignore', 'pipe', 'inherit'] })
      const exited = once(child, 'exit')
      let left = rounds
      for await (const _ of createInterface({ input: child.stdout })) {
        await publish()
        if (--left === 0) child.kill('SIGKILL')
      }
      assert.deepEqual(await exited, [null, 'SIGKILL'])
    }
    for (const rounds of [2, 3]) await Promise.all([killed(rounds), killed(rounds + 1)])
    const last = new CountEnds({
      events: endedEvents(broker.broker, new PublishedEnds({ isCounting: () => true })),
      store,
      shares: () => [0],
      clock: systemClock,
      log: broker.log,
    })
    await last.round(new AbortController().signal)
    for (const level of ['minute', 'quarter', 'hour', 'day'] as const) {
      const query = { namespace: 'default', level, from: 0, before: AT * 2 }
      const all = await store.stats.series({ ...query, scope: '*' })
      assert.equal(
        all.reduce((sum, { ended }) => sum + ended, 0),
        made,
        `${name}, ${level}`,
      )
      const sums = await store.stats.sums({ ...query, limit: 1_000 })
      assert.deepEqual([sums.length, sums.reduce((sum, { ended }) => sum + ended, 0)], [JOBS, made], `${name}, ${level}, by job`)
    }
    t.diagnostic(`${name}: ${made} ends`)
  }
})
