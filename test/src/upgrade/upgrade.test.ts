import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { subjects, TIMES } from '@carillon/contracts'
import type { Client } from '@carillon/sdk'
import { eventually, REQUEST_DEADLINE } from '@carillon/wire/testing'
import { jetstreamManager } from '@nats-io/jetstream'
import { startBroker } from '../support/broker.ts'
import { Cleanup } from '../support/cleanup.ts'
import { connectPlain, startMesh, type TestMesh } from '../support/mesh.ts'
import { STORES, type TestStore } from '../support/stores.ts'
import { restoreBroker } from './broker-text.ts'
import { offerHandlers } from './handlers.ts'
import { restoreMongodb } from './mongodb-text.ts'
import { restoreSqlite } from './sqlite-text.ts'
import { type RunOfRecording, TRIGGERS } from './workload.ts'

const FIXTURES = fileURLToPath(new URL('../../fixtures/upgrade', import.meta.url))
const NAMESPACE = 'default'
const FOREVER_MS = 100 * 365 * 86_400_000
/** A run whose executor is dead waits for ten seconds of its silence. */
const WITHIN_MS = 60_000

describe('upgrade', { concurrency: true }, () => {
  for (const version of readdirSync(FIXTURES)) {
    for (const store of STORES) {
      test(`what ${version} left behind on ${store.name} goes on and ends right, once`, {
        skip: store.skip,
      }, async (context) => {
        const cleanup = new Cleanup(context)
        const folder = join(FIXTURES, version)
        const runs: RunOfRecording[] = JSON.parse(readFileSync(join(folder, 'runs.json'), 'utf8'))
        const openedAt = Date.now()
        const mesh = await open(cleanup, folder, store)
        const { client } = await mesh.connect({ namespace: NAMESPACE })
        await stillThere(client, runs)
        const begun = await startExecutors(mesh)
        await endRight(client, runs)
        await endedOnce(mesh, { runs, begun })
        await keysAreKept(client, runs)
        await linesAreKept(client, runs)
        await jobsGoOn(client, openedAt)
      })
    }
  }
})

/** A mesh of this version on what was recorded. Nothing is removed for its age: recordings grow old. */
async function open(cleanup: Cleanup, folder: string, store: TestStore): Promise<TestMesh> {
  const url = store.fresh(cleanup)
  const text = (name: string) => readFileSync(join(folder, name), 'utf8')
  if (store.name === 'sqlite') restoreSqlite(url.slice('sqlite:'.length), text('store.sql'))
  else await restoreMongodb(url, text('mongodb.jsonl'))
  const streams = cleanup.folder()
  const broker = await startBroker(cleanup, { folder: streams })
  const connection = await connectPlain(cleanup, broker.url)
  await restoreBroker(connection, text('broker.jsonl'))
  await connection.close()
  await broker.kill9()
  return startMesh(cleanup, {
    store: { ...store, fresh: () => url },
    broker: { folder: streams },
    retention: { keepPerJob: 1_000, runMs: FOREVER_MS, keyMs: FOREVER_MS, idMs: FOREVER_MS },
    lines: { retentionDays: 36_500 },
  })
}

/** What had ended, and what is not to begin for years, is as it was. */
async function stillThere({ runs }: Client, recorded: readonly RunOfRecording[]): Promise<void> {
  for (const { label, runId, state, ends, result } of recorded) {
    if (ends !== undefined && ends !== state) continue
    const run = await runs.get(runId)
    assert.equal(run.state, state, label)
    assert.deepEqual(run.result, result, label)
  }
}

/** @returns the tasks that they begin, once for each attempt */
async function startExecutors(mesh: TestMesh): Promise<readonly string[]> {
  const begun: string[] = []
  for (const instance of ['upgrade-c', 'upgrade-d']) {
    const executor = await mesh.connect({ namespace: NAMESPACE, instance, service: 'upgrade' })
    offerHandlers(executor, { began: (taskId) => void begun.push(taskId), pass: async () => undefined, isMended: true })
    await executor.start()
  }
  return begun
}

async function endRight({ runs }: Client, recorded: readonly RunOfRecording[]): Promise<void> {
  for (const { label, runId, ends, result } of recorded) {
    if (ends === undefined) continue
    let seen = ''
    const run = await eventually(
      `run "${label}" is ${ends}`,
      async () => {
        const now = await runs.get(runId)
        seen = JSON.stringify(now)
        return now.state === ends && now
      },
      { withinMs: WITHIN_MS },
    ).catch((error: Error) => assert.fail(`${error.message}: ${seen}`))
    assert.deepEqual(run.result, result, label)
  }
}

/** Each open task has begun once more, no other one has, and the terminal events of a run say one end. */
async function endedOnce(mesh: TestMesh, { runs, begun }: { runs: readonly RunOfRecording[]; begun: readonly string[] }): Promise<void> {
  assert.deepEqual(
    begun.filter((taskId, i) => begun.indexOf(taskId) !== i),
    [],
    'begun twice',
  )
  const settled = runs.filter(({ label, state, ends }) => label === 'tardy' || ends === state || ends === undefined || ends === 'cancelled')
  for (const { label, runId } of settled) assert.ok(!begun.includes(runId), `${label} has begun again`)
  const connection = await mesh.nats()
  const manager = await jetstreamManager(connection, REQUEST_DEADLINE)
  for (const { label, runId, ends } of runs) {
    const subjects_filter = subjects.event(NAMESPACE, 'run', runId, '*')
    const { state } = await manager.streams.info('EVENTS', { subjects_filter })
    // An event may come twice; a second end would be of another state, or of another begin.
    const expected = ends === undefined ? [] : [subjects.event(NAMESPACE, 'run', runId, ends)]
    assert.deepEqual(Object.keys(state.subjects ?? {}), expected, label)
  }
}

async function keysAreKept(client: Client, runs: readonly RunOfRecording[]): Promise<void> {
  for (const { label, handler, payload, options, runId } of runs) {
    if (options.key === undefined) continue
    const again = await client.run(handler, payload, options)
    assert.deepEqual([again.id, again.created], [runId, false], label)
  }
}

async function linesAreKept({ logs }: Client, runs: readonly RunOfRecording[]): Promise<void> {
  const expected = { done: 'quick as ever', tardy: 'reported to nobody' }
  for (const [label, message] of Object.entries(expected)) {
    const runId = runs.find((run) => run.label === label)?.runId as string
    const lines = async () => (await logs.query({ runId })).items.map((line) => line.message)
    await eventually(`lines of ${label}`, async () => (await lines()).length > 0)
    assert.deepEqual(await lines(), [message], label)
  }
}

async function jobsGoOn({ jobs, runs }: Client, openedAt: number): Promise<void> {
  const nextOf = async (name: string) => Date.parse((await jobs.get(name)).nextAt ?? '')
  for (const name of ['minutely', 'hourly']) await eventually(`${name} has a next slot`, async () => (await nextOf(name)) > Date.now())
  // Of the slots that were missed one run is made, or none: as the job says.
  const isFired = async () => (await runs.list({ job: 'minutely', state: 'succeeded' })).items.length > 0
  await eventually('the missed slot was made up for', isFired, { withinMs: 70_000 })
  const hourly = async () => (await runs.list({ job: 'hourly' })).items
  await eventually('what was missed is recorded', async () =>
    (await hourly()).some(({ state, reason }) => state === 'skipped' && reason === 'misfire'),
  )
  // The time of day of its slots is that of the recording: one may come now.
  const missed = (await hourly()).filter(
    ({ state, slot = '' }) => state !== 'skipped' && Date.parse(slot) < openedAt - TIMES.misfireAfterMs,
  )
  assert.deepEqual(missed, [])
  assert.equal((await jobs.get('paused')).state, 'paused')
  assert.equal((await runs.list({ job: 'paused' })).items.length, 0)
  const triggered = async () => (await runs.list({ job: 'triggered', state: 'succeeded' })).items
  await eventually('the triggers are consumed', async () => (await triggered()).length === TRIGGERS.length)
  const payloads = await Promise.all((await triggered()).map(async ({ runId }) => (await runs.get(runId)).payload))
  assert.deepEqual(payloads.map((payload) => JSON.stringify(payload)).sort(), TRIGGERS)
}
