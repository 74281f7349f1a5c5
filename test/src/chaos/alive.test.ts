import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { Client } from '@carillon/sdk'
import { eventually } from '@carillon/wire/testing'
import { build } from 'esbuild'
import { startUp } from '../support/carillon.ts'
import { Cleanup } from '../support/cleanup.ts'
import { connectTo, freshNamespace, startMesh } from '../support/mesh.ts'
import { launch, type TestProcess } from '../support/processes.ts'
import { sqlite } from '../support/stores.ts'

const MAIN = fileURLToPath(new URL('../support/alive-main.js', import.meta.url))
/** Half as long again as the silence that makes an instance lost, and the broker deliver its work again. */
const LONG_MS = 15_000

interface Where {
  readonly url: string
  readonly namespace: string
  readonly instance: string
  readonly program?: string
  readonly concurrency?: number
}

async function startExecutor(
  cleanup: Cleanup,
  { url, namespace, instance, program = MAIN, concurrency = 10 }: Where,
): Promise<TestProcess> {
  const env = { URL: url, NAMESPACE: namespace, INSTANCE: instance, CONCURRENCY: String(concurrency) }
  const executor = launch(cleanup, [process.execPath, program], { env })
  await executor.shows(/^ready$/m)
  return executor
}

/** The same program as one file, in a folder where no package can be found. */
async function bundled(cleanup: Cleanup, format: 'esm' | 'cjs'): Promise<string> {
  const outfile = join(cleanup.folder(), format === 'esm' ? 'service.mjs' : 'service.cjs')
  // The client of NATS is CommonJS: in a module it needs a `require` for what is built in.
  const js = "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);"
  const banner = format === 'esm' ? { js } : {}
  await build({
    entryPoints: [MAIN],
    bundle: true,
    platform: 'node',
    format,
    outfile,
    banner,
    external: ['@opentelemetry/api'],
    logLevel: 'error',
  })
  return outfile
}

/** How often each attempt of each run was begun, by `<run> <attempt>`. */
function begun(executors: readonly TestProcess[]): Map<string, number> {
  const counts = new Map<string, number>()
  for (const executor of executors)
    for (const [, attempt = ''] of executor.stdout().matchAll(/^ran (.+)$/gm)) counts.set(attempt, (counts.get(attempt) ?? 0) + 1)
  return counts
}

const twice = (executors: readonly TestProcess[]) => [...begun(executors)].filter(([, count]) => count > 1)

/** Every run ended well, and was begun once: in its first attempt, but for those that an instance gave back before, which uses up no try. */
async function allRanOnce(client: Client, ids: readonly string[], executors: readonly TestProcess[]): Promise<void> {
  const results = await Promise.all(ids.map((id) => client.runs.get(id)))
  const outcomes = new Set(results.map(({ state, attempt, sleeps = 0 }) => `${state} ${attempt - sleeps}`))
  assert.deepEqual([...outcomes], ['succeeded 1'])
  assert.deepEqual([begun(executors).size, twice(executors)], [ids.length, []])
}

async function ended(client: Client, ids: readonly string[], withinMs = 60_000): Promise<void> {
  const open = new Set(ids)
  await eventually(
    'every run has ended',
    async () => {
      for (const id of open) if (!['queued', 'running', 'cancelling'].includes((await client.runs.get(id)).state)) open.delete(id)
      return open.size === 0
    },
    { withinMs, everyMs: 100 },
  )
}

describe('who is alive loses nothing', { concurrency: true }, () => {
  test('a handler computes for longer than the silence that makes an instance lost, in a bundle, too', async (context) => {
    const cleanup = new Cleanup(context)
    const mesh = await startMesh(cleanup, { store: sqlite })
    const namespace = freshNamespace()
    const { client } = await mesh.connect({ namespace })
    const programs = { plain: MAIN, esm: await bundled(cleanup, 'esm'), cjs: await bundled(cleanup, 'cjs') }
    const executors = await Promise.all(
      Object.entries(programs).map(([instance, program]) => startExecutor(cleanup, { url: mesh.broker.url, namespace, instance, program })),
    )
    const events: string[] = []
    ;(await mesh.nats()).subscribe(`carillon.${namespace}.event.instance.*.lost`, {
      callback: (_error, { subject }) => void events.push(subject),
    })
    const naps = Array.from({ length: 6 }, () => ({ handler: 'nap', payload: { ms: 2_000 } }))
    const spins = executors.map(() => ({ handler: 'spin', payload: { ms: LONG_MS } }))
    const outcomes = await client.runMany([...naps.slice(3), ...spins, ...naps.slice(0, 3)])
    const ids = outcomes.map((outcome) => (outcome.ok ? outcome.run.id : assert.fail(outcome.error)))
    await eventually('one is shown as blocked', async () =>
      (await client.instances.list()).items.some(({ load }) => (load.blockedMs ?? 0) > 2_000),
    )
    await ended(client, ids)
    await allRanOnce(client, ids, executors)
    assert.deepEqual(events, [])
    for (const executor of executors) assert.equal(executor.stderr(), '')
  })

  test('every process stands still for longer than that, and goes on', async (context) => {
    const cleanup = new Cleanup(context)
    const up = await startUp(cleanup, { demo: false })
    const namespace = freshNamespace()
    const { client } = await connectTo(cleanup, up.url, { namespace })
    const executors = await Promise.all(
      ['a', 'b'].map((instance) => startExecutor(cleanup, { url: up.url, namespace, instance, concurrency: 4 })),
    )
    const ids: string[] = []
    for (let i = 0; i < 8; i++) ids.push((await client.run('nap', { ms: 6_000 })).id)
    await eventually('all run', async () =>
      (await Promise.all(ids.map((id) => client.runs.get(id)))).every(({ state }) => state === 'running'),
    )
    const everyone = (name: NodeJS.Signals) => {
      for (const executor of executors) executor.signal(name)
      up.process.signalGroup(name)
    }
    everyone('SIGSTOP')
    await sleep(LONG_MS)
    everyone('SIGCONT')
    await ended(client, ids)
    await allRanOnce(client, ids, executors)
  })

  test('kill -9 of the broker in a burst: no attempt is begun twice', async (context) => {
    const cleanup = new Cleanup(context)
    const mesh = await startMesh(cleanup, { store: sqlite })
    const namespace = freshNamespace()
    const { client } = await mesh.connect({ namespace })
    const executors = await Promise.all(
      ['a', 'b'].map((instance) => startExecutor(cleanup, { url: mesh.broker.url, namespace, instance, concurrency: 20 })),
    )
    const ids: string[] = []
    for (let i = 0; i < 4; i++) {
      const outcomes = await client.runMany(Array.from({ length: 900 }, () => ({ handler: 'nap', payload: { ms: 5 } })))
      for (const outcome of outcomes) ids.push(outcome.ok ? outcome.run.id : assert.fail(outcome.error))
    }
    await eventually('a part is done', () => begun(executors).size > ids.length / 5)
    await mesh.broker.kill9()
    const before = begun(executors).size
    await mesh.broker.start()
    await ended(client, ids)
    context.diagnostic(`killed after ${before} of ${ids.length}`)
    assert.deepEqual([begun(executors).size, twice(executors)], [ids.length, []])
  })
})
