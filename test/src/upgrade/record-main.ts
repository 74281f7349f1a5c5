/** Records what the version in a folder leaves behind when everything dies with work under way: see `scripts/record-upgrade.ts`. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { subjects } from '@carillon/contracts'
import type { Client } from '@carillon/sdk'
import { eventually, REQUEST_DEADLINE } from '@carillon/wire/testing'
import { jetstreamManager } from '@nats-io/jetstream'
import { startBroker } from '../support/broker.ts'
import { Cleanup } from '../support/cleanup.ts'
import { connectPlain, connectTo } from '../support/mesh.ts'
import { launch, messageOf, type TestProcess } from '../support/processes.ts'
import { mongodb } from '../support/stores.ts'
import { brokerText } from './broker-text.ts'
import { copyStore } from './copy-store.ts'
import { mongodbText } from './mongodb-text.ts'
import { sqliteText } from './sqlite-text.ts'
import { type Counts, HELD, RECORDED_RUNS, type RecordedRun, type RunOfRecording, TRIGGERS } from './workload.ts'

const EXECUTOR = fileURLToPath(new URL('./recorded-executor.js', import.meta.url))
const FIXTURES = fileURLToPath(new URL('../../fixtures/upgrade', import.meta.url))
const NAMESPACE = 'default'
const INSTANCES = ['upgrade-a', 'upgrade-b']

const build = process.argv[2] as string
const endings: (() => Promise<void>)[] = []
const cleanup = new Cleanup({ after: (ending) => void endings.push(ending) })
try {
  await record()
} finally {
  for (const end of endings) await end()
}

async function record(): Promise<void> {
  const broker = await startBroker(cleanup)
  const path = join(cleanup.folder(), 'store.db')
  const service = async (name: string) => {
    const store = name === 'registry' ? [] : ['--store', `sqlite:${path}`]
    const command = [process.execPath, `${build}/cli/bin/carillon.js`, name, '--nats', broker.url, ...store] as const
    const started = launch(cleanup, [...command], { env: { CARILLON_LOG_LEVEL: 'info' } })
    await started.shows(/(service|registry|coordinator|logger)\.(ready|started)/)
    return started
  }
  const registry = await service('registry')
  const onStore = [await service('coordinator'), await service('logger')]
  const executors: TestProcess[] = []
  for (const instance of INSTANCES) executors.push(await startExecutor(broker.url, instance))
  const { client } = await connectTo(cleanup, broker.url, { namespace: NAMESPACE })
  await putJobs(client)
  const runs = await startRuns(client)
  for (const one of onStore) await one.kill9()
  const tardy = runs.find(({ label }) => label === 'tardy')?.runId as string
  await leaveUnconsumed(broker.url, { executors, tardy })
  for (const one of [...executors, registry]) await one.kill9()
  const connection = await connectPlain(cleanup, broker.url)
  await write({ runs, broker: await brokerText(connection), path })
}

async function startExecutor(url: string, instance: string): Promise<TestProcess> {
  const executor = launch(cleanup, [process.execPath, EXECUTOR], {
    ipc: true,
    env: { BUILD: build, URL: url, INSTANCE: instance, HELD: HELD.join() },
  })
  await messageOf(executor)
  return executor
}

async function putJobs({ jobs }: Client): Promise<void> {
  await jobs.put({
    name: 'minutely',
    handler: 'quick',
    schedule: { cron: '* * * * *', timezone: 'Europe/Paris' },
    payload: { from: 'cron' },
  })
  await jobs.put({ name: 'hourly', handler: 'quick', schedule: { everyMs: 3_600_000 }, misfire: 'skip' })
  await jobs.put({ name: 'paused', handler: 'quick', schedule: { cron: '* * * * *' } })
  await jobs.pause('paused')
  await jobs.put({ name: 'triggered', handler: 'quick' })
}

async function startRuns(client: Client): Promise<RunOfRecording[]> {
  const runs: RunOfRecording[] = []
  for (const run of RECORDED_RUNS) {
    const { id: runId } = await client.run(run.handler, run.payload, run.options)
    if (run.cancelIn !== undefined) {
      await inState(client, { ...run, state: run.cancelIn }, runId)
      await client.runs.cancel(runId)
    }
    // One after another, so that they take the places of executors in this order.
    await inState(client, run, runId)
    runs.push({ ...run, runId })
  }
  for (const run of runs) await inState(client, run, run.runId)
  return runs
}

async function inState({ runs }: Client, { label, state, tasks: wanted = {} }: RecordedRun, runId: string): Promise<void> {
  await eventually(`run "${label}" is ${state} with its tasks ${JSON.stringify(wanted)}`, async () => {
    if ((await runs.get(runId)).state !== state) return false
    if (Object.keys(wanted).length === 0) return true
    const counts: Counts = {}
    for (const { state: of } of (await runs.tasks(runId)).items) counts[of] = (counts[of] ?? 0) + 1
    return Object.entries(wanted).every(([of, count]) => counts[of as keyof Counts] === count)
  })
}

/** Triggers, and the end and the line of a task, which nobody is there to apply. */
async function leaveUnconsumed(url: string, { executors, tardy }: { executors: readonly TestProcess[]; tardy: string }): Promise<void> {
  const connection = await connectPlain(cleanup, url)
  const manager = await jetstreamManager(connection, REQUEST_DEADLINE)
  for (const body of TRIGGERS) await manager.jetstream().publish(subjects.trigger(NAMESPACE, 'triggered'), body)
  for (const { child } of executors) child.send('go on')
  const isStored = async (stream: string, subjects_filter: string) =>
    Object.keys((await manager.streams.info(stream, { subjects_filter })).state.subjects ?? {}).length > 0
  await eventually('its end is stored', () => isStored('REPORTS', subjects.report(NAMESPACE, '*')))
  await eventually('and its line', () => isStored('LOGS', subjects.log(NAMESPACE, tardy)))
  await connection.close()
}

async function write({ runs, broker, path }: { runs: readonly RunOfRecording[]; broker: string; path: string }): Promise<void> {
  const copy = mongodb.fresh(cleanup)
  await copyStore({ build, from: `sqlite:${path}`, to: copy, namespace: NAMESPACE })
  const { version } = JSON.parse(readFileSync(join(build, 'package.json'), 'utf8')) as { version: string }
  const store = sqliteText(path)
  const schema = /insert into "migrations" .*\((\d+), '[^']*'\);\n(?!insert into "migrations")/.exec(store)?.[1]
  const folder = join(FIXTURES, `${version}-schema-${schema}`)
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'runs.json'), `${JSON.stringify(runs, undefined, 2)}\n`)
  writeFileSync(join(folder, 'broker.jsonl'), broker)
  writeFileSync(join(folder, 'store.sql'), store)
  writeFileSync(join(folder, 'mongodb.jsonl'), await mongodbText(copy))
  console.log(`recorded ${folder}`)
}
