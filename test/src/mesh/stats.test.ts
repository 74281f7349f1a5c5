/** Statistics over a whole mesh: what is answered is what ended, also when coordinators die meanwhile. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { StatsOverview } from '@carillon/contracts'
import type { Client, TaskContext } from '@carillon/sdk'
import { eventually } from '@carillon/wire/testing'
import { Cleanup } from '../support/cleanup.ts'
import { offering, refusal } from '../support/clients.ts'
import { startMesh, type TestMesh } from '../support/mesh.ts'
import { STORES } from '../support/stores.ts'

/** Every ended run that is stored, counted by state. */
async function recount(client: Client): Promise<Record<string, number>> {
  const states: Record<string, number> = {}
  for await (const { state, endedAt } of client.runs.list()) if (endedAt !== undefined) states[state] = (states[state] ?? 0) + 1
  return states
}

const byName = (states: object) => Object.fromEntries(Object.entries(states).sort())

for (const store of STORES)
  describe(`statistics, ${store.name}`, { skip: store.skip }, () => {
    const cleanup = new Cleanup({ after })
    let mesh: TestMesh
    before(async () => {
      mesh = await startMesh(cleanup, { store, coordinators: 2 })
    })

    test('each end is counted once, while coordinators come and go; jobs, handlers, errors and retries are told apart', async () => {
      const work = ({ payload, attempt }: TaskContext<string>) => {
        if (payload === 'always' || (payload === 'once' && attempt === 1)) throw new Error(`order ${attempt} is unknown`)
        return 1
      }
      const { client } = await offering(mesh, { work }, { concurrency: 20 })
      await client.jobs.put({ name: 'report', handler: 'work', attempts: 2, backoff: { type: 'fixed', delayMs: 0 } })
      const runs = async (n: number, job: string, payload: string) =>
        Promise.all((await client.runMany(Array.from({ length: n }, () => ({ job, payload })))).map((one) => one.ok && one.run.ended()))
      await Promise.all([runs(60, 'report', 'fine'), runs(10, 'report', 'once'), runs(5, 'report', 'always'), runs(20, 'work', 'fine')])
      const answered = async () => (await client.stats.overview({ range: '1h' })).totals.ended
      await eventually('the first are counted', async () => (await answered()) === 95)
      // The one that counts is one of these two.
      for (const coordinator of [...mesh.coordinators]) {
        await mesh.addCoordinator()
        await Promise.all([mesh.stopCoordinator(coordinator), runs(30, 'report', 'fine')])
      }
      await eventually('all are counted', async () => (await answered()) >= 155)

      const stats = await client.stats.overview({ range: '1h' })
      const wanted = byName(await recount(client))
      assert.deepEqual([wanted, stats.totals.ended], [{ failed: 5, succeeded: 150 }, 155])
      for (const range of ['1h', '24h', '7d', '30d'] as const) {
        const { totals, points } = await client.stats.overview({ range, zone: 'Asia/Kolkata' })
        assert.deepEqual(byName(totals.states), wanted, range)
        assert.equal(
          points.reduce((sum, { ended }) => sum + ended, 0),
          155,
          range,
        )
      }
      const { totals, errors, failing, slowest } = stats
      assert.deepEqual([totals.started, totals.retries, totals.reasons, totals.runMs.count], [155, 15, { 'handler-error': 5 }, 155])
      assert.deepEqual(
        failing.map(({ job, ended, failed }) => [job, ended, failed]),
        [['report', 135, 5]],
      )
      assert.deepEqual(slowest.map(({ job, handler }) => job ?? `of ${handler}`).sort(), ['of work', 'report'])
      assert.deepEqual(
        errors.map(({ fingerprint, count, job }) => [fingerprint, count, job]),
        [['Error: order … is unknown', 5, 'report']],
      )
      assert.equal((await client.stats.job('report', { range: '24h' })).totals.ended, 135)
      assert.equal((await client.stats.job('nobody')).totals.ended, 0)
      const { compared, marks } = await client.stats.job('report', { range: '24h', compare: '7d' })
      assert.deepEqual([compared?.totals.ended, compared?.points.length], [0, 96])
      assert.deepEqual(
        marks.flatMap(({ kind, items }) => items.map(({ job, revision }) => [kind, job, revision])),
        [['put', 'report', 1]],
      )
    })

    test('what waits is told by handler and reason, with the gates that are full', async () => {
      // A coordinator measures soon after its start, then once a minute.
      const fresh = await startMesh(cleanup, { store })
      const busy = ({ signal }: TaskContext) => new Promise((resolve) => signal.addEventListener('abort', resolve))
      const { client } = await offering(fresh, { busy }, { concurrency: 1 })
      await client.jobs.put({ name: 'one', handler: 'busy', overlap: 'serial' })
      const first = await client.run('one')
      await eventually('it runs', async () => (await client.runs.get(first.id)).state === 'running')
      for (const job of ['one', 'one', 'ghost', 'busy']) await client.run(job)
      await client.run('busy', null, { delayMs: 60_000 })
      const queues = await eventually('all of it is seen', async () => {
        const found = await client.stats.queues()
        return found.handlers.find(({ handler }) => handler === 'busy')?.reasons.gate === 2 ? found : undefined
      })
      const shown = queues.handlers.map(({ handler, waiting, running, reasons, instances }) => ({
        handler,
        waiting,
        running,
        reasons,
        instances,
      }))
      assert.deepEqual(shown, [
        { handler: 'busy', waiting: 3, running: 1, reasons: { queued: 1, gate: 2, delayed: 1 }, instances: 1 },
        { handler: 'ghost', waiting: 1, running: 0, reasons: { 'no-instance': 1 }, instances: 0 },
      ])
      assert.deepEqual(
        queues.gates.map(({ job, waiting, holders, limit, isFull }) => [job, waiting, holders, limit, isFull]),
        [['one', 2, 1, 1, true]],
      )
      const gauges = await eventually('they are measured', async () => gaugesOf(await client.stats.overview({ range: '1h' })))
      assert.ok(gauges.instances.last === 1 && gauges.running.max >= 0)
      await client.runs.cancel(first.id)
    })

    test('wrong questions are refused with a code that names the field', async () => {
      const { client } = await mesh.connect()
      const of = async (question: Promise<unknown>) => {
        const { code, details } = await refusal(question)
        return [code, details.field]
      }
      assert.deepEqual(await of(client.stats.overview({ zone: 'Mars/Base' })), ['INVALID_TIME_ZONE', 'zone'])
      assert.deepEqual(await of(client.stats.overview({ range: '3d' as never })), ['INVALID_REQUEST', 'range'])
      assert.deepEqual(await of(client.stats.overview({ compare: '2d' as never })), ['INVALID_REQUEST', 'compare'])
      assert.deepEqual(await of(client.stats.job('a.b')), ['INVALID_NAME', 'name'])
    })
  })

const gaugesOf = ({ points }: StatsOverview) => points.findLast(({ gauges }) => gauges !== undefined)?.gauges
