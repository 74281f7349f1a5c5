import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { HEADERS } from '@carillon/contracts'
import { CALLS, type Client, type TaskContext } from '@carillon/sdk'
import { eventually, REQUEST_DEADLINE } from '@carillon/wire/testing'
import { headers } from '@nats-io/transport-node'
import * as z from 'zod'
import { Cleanup } from '../support/cleanup.ts'
import { offering, refusal } from '../support/clients.ts'
import { startMesh, type TestMesh } from '../support/mesh.ts'
import { STORES } from '../support/stores.ts'

const waiting = (client: Client, runId: string) =>
  eventually('it waits for a signal', async () => {
    const run = await client.runs.get(runId)
    return run.reason === 'signal' ? run : undefined
  })
const idOf = (letter: string) => letter.repeat(26)

describe('signals', { concurrency: true }, () => {
  for (const store of STORES) {
    describe(`signals, ${store.name}`, { skip: store.skip, concurrency: true }, () => {
      const cleanup = new Cleanup({ after })
      let mesh: TestMesh
      before(async () => {
        mesh = await startMesh(cleanup, { store, coordinators: 2 })
      })

      test('a run waits without a process and without a timer, and goes on with the payload of a signal; what was done before is not done again', async () => {
        let calls = 0
        const { client } = await offering(mesh, {
          order: async (ctx: TaskContext) => {
            await ctx.step('reserve', () => ++calls)
            return { paid: await ctx.waitFor('paid'), attempt: ctx.attempt }
          },
        })
        const run = await client.run('order')
        const { attempts } = await waiting(client, run.id)
        const [record] = await mesh.store.runs.get([run.id])
        assert.deepEqual(
          [record?.state, record?.owner, record?.wakeAt, record?.waits],
          ['delayed', null, null, [{ step: 1, signal: 'paid' }]],
        )
        assert.match((await client.runs.why(run.id)).why, /waits for the signal `paid` since 20/)
        const sent = await run.signal('paid', { ref: 7 })
        assert.deepEqual([sent.created, sent.state], [true, 'taken'])
        assert.deepEqual(await run.result(), { paid: { ref: 7 }, attempt: 2 })
        assert.deepEqual([calls, attempts], [1, 2])
        const steps = (await client.runs.steps(run.id)).items
        assert.deepEqual(
          steps.map(({ name, state, result, by }) => [name, state, result, by !== undefined]),
          [
            ['reserve', 'done', 1, false],
            ['paid', 'received', { ref: 7 }, true],
          ],
        )
      })

      test('a signal before the run exists is kept, listed as unclaimed, and taken when it waits (33); before the wait, and between two, in order (32, 34)', async () => {
        const { client } = await offering(mesh, {
          each: async (ctx: TaskContext) => [await ctx.waitFor('item'), await ctx.waitFor('item'), await ctx.waitFor('item')],
        })
        const runId = idOf('a')
        const early = await client.handleOf(runId).signal('item', 'first', { id: 'm-1' })
        assert.deepEqual([early.created, early.state], [true, 'unclaimed'])
        assert.equal((await client.handleOf(runId).signal('item', 'again', { id: 'm-1' })).created, false)
        const [listed] = (await client.runs.signals(runId)).items
        assert.deepEqual([listed?.state, listed?.payload, listed?.name, typeof listed?.expiresAt], ['unclaimed', 'first', 'item', 'string'])
        await client.call(CALLS.jobsRun, { handler: 'each', id: runId })
        const run = client.handleOf(runId)
        await waiting(client, runId)
        assert.equal((await client.runs.signal(runId, 'other', 1)).state, 'kept')
        await run.signal('item', 'second')
        await run.signal('item', 'third')
        assert.deepEqual(await run.result(), ['first', 'second', 'third'])
        const states = (await client.runs.signals(runId)).items.map(({ name, state, takenBy }) => [name, state, takenBy])
        assert.deepEqual(states.sort(), [
          ['item', 'taken', runId],
          ['item', 'taken', runId],
          ['item', 'taken', runId],
          ['other', 'kept', undefined],
        ])
        const late = await refusal(run.signal('item', 'fourth'))
        assert.deepEqual([late.code, late.details.field], ['RUN_ENDED', 'runId'])
      })

      test('with a time limit the answer is undefined when none came in time; a later one is for the next wait (34, 36)', async () => {
        const { client } = await offering(mesh, {
          patient: async (ctx: TaskContext) => {
            const first = await ctx.waitFor('go', { timeoutMs: 300 })
            return { isTimedOut: first === undefined, second: await ctx.waitFor('go') }
          },
        })
        const run = await client.run('patient')
        await eventually('the first is over', async () => (await client.runs.steps(run.id)).items[0]?.state === 'timed_out')
        await waiting(client, run.id)
        await run.signal('go', 2)
        assert.deepEqual(await run.result(), { isTimedOut: true, second: 2 })
      })

      test('waits side by side, each for its own; of two for one name the first takes the first', async () => {
        const { client } = await offering(mesh, {
          all: (ctx: TaskContext) => Promise.all([ctx.waitFor('a'), ctx.waitFor('b'), ctx.waitFor('a')]),
        })
        const run = await client.run('all')
        await waiting(client, run.id)
        for (const [name, payload] of [
          ['a', 1],
          ['b', 2],
          ['a', 3],
        ] as const)
          await run.signal(name, payload)
        assert.deepEqual(await run.result(), [1, 2, 3])
      })

      test('a payload that the schema refuses ends the task, unless the handler deals with it and waits again', async () => {
        const schema = z.object({ ref: z.number() })
        const { client } = await offering(mesh, {
          strict: async (ctx: TaskContext) => (await ctx.waitFor('paid', { schema })).ref,
          patient: async (ctx: TaskContext) => {
            const refused: string[] = []
            for (;;) {
              try {
                const paid = await ctx.waitFor('paid', { schema })
                return { refused, ref: paid.ref + 1 }
              } catch (error) {
                if ((error as Error).name !== 'NonRetryableError') throw error
                refused.push((error as Error).message)
              }
            }
          },
        })
        const [strict, patient] = [await client.run('strict', null, { attempts: 5 }), await client.run('patient')]
        await Promise.all([strict, patient].map((run) => run.signal('paid', { ref: 'x' })))
        const ended = await strict.ended()
        assert.deepEqual([ended.state, ended.reason], ['failed', 'non-retryable'])
        await patient.signal('paid', { ref: 1 })
        const { refused, ref } = (await patient.result()) as { refused: string[]; ref: number }
        assert.deepEqual([refused.length, ref], [1, 2])
        assert.match(refused[0] ?? '', /"paid".*ref: /)
      })

      test('messages on signal.<run>.<name> are signals, also while every coordinator is down', async () => {
        const other = await startMesh(cleanup, { store })
        const { client, namespace } = await offering(other, { order: (ctx: TaskContext) => ctx.waitFor('paid') })
        const run = await client.run('order')
        await waiting(client, run.id)
        const nats = await other.nats()
        for (const coordinator of [...other.coordinators]) await other.stopCoordinator(coordinator)
        const options = headers()
        options.set(HEADERS.by, 'the bank')
        const early = idOf('b')
        await nats.request(`carillon.${namespace}.signal.${run.id}.paid`, '{"ref":1}', { ...REQUEST_DEADLINE, headers: options })
        await nats.request(`carillon.${namespace}.signal.${early}.paid`, '', REQUEST_DEADLINE)
        await nats.request(`carillon.${namespace}.signal.${early}.not%a%name`, '1', REQUEST_DEADLINE)
        await other.addCoordinator()
        assert.deepEqual(await run.result(), { ref: 1 })
        const [signal] = (await client.runs.signals(run.id)).items
        assert.deepEqual([signal?.state, signal?.by], ['taken', 'the bank'])
        const kept = await eventually('it is kept', async () => {
          const { items } = await client.runs.signals(early)
          return items.length > 0 ? items : undefined
        })
        assert.deepEqual(
          kept.map(({ payload, state }) => [payload, state]),
          [[null, 'unclaimed']],
        )
      })

      test('shards wait each for one; a cancelled run takes none', async () => {
        const { client } = await offering(mesh, { part: (ctx: TaskContext) => ctx.waitFor('go') })
        const [sharded, cancelled] = [await client.run('part', null, { shards: 3 }), await client.run('part')]
        const asleep = async () => (await client.runs.tasks(sharded.id, { state: 'delayed' })).items.length
        await eventually('all wait', async () => (await asleep()) === 3)
        for (let n = 0; n < 3; n++) assert.equal((await sharded.signal('go', n)).state, 'taken')
        await sharded.result()
        const results = await Promise.all(['00000', '00001', '00002'].map((index) => mesh.store.tasks.get([`${sharded.id}-${index}`])))
        assert.deepEqual(
          results.map(([task]) => task?.result),
          ['0', '1', '2'],
        )
        await waiting(client, cancelled.id)
        await client.runs.cancel(cancelled.id)
        assert.equal((await refusal(cancelled.signal('go'))).code, 'RUN_ENDED')
        assert.equal((await cancelled.ended()).state, 'cancelled')
      })

      test('wrong input is refused by name, before anything is kept', async () => {
        const { client } = await offering(mesh, { order: async () => undefined })
        const codeOf = async (promise: Promise<unknown>) => (await refusal(promise)).code
        assert.equal(await codeOf(client.runs.signal('x', 'paid')), 'INVALID_REQUEST')
        assert.equal(await codeOf(client.runs.signal(idOf('c'), 'not a name')), 'INVALID_NAME')
        assert.equal(await codeOf(client.runs.signal(idOf('c'), 'paid', 'x'.repeat(70_000))), 'SIGNAL_TOO_LARGE')
        assert.equal(await codeOf(client.handleOf(idOf('c')).signal('paid', 1, { ttlMs: -1 })), 'INVALID_DELAY')
        assert.equal(await codeOf(client.handleOf(idOf('c')).signal('paid', 1, { ttlMs: 0 })), 'INVALID_REQUEST')
        const half = 'x'.repeat(60_000)
        let refused: string | undefined
        for (let n = 0; n < 80 && !refused; n++)
          refused = await client.runs.signal(idOf('d'), 'paid', half).then(
            () => undefined,
            (error: { code: string }) => error.code,
          )
        assert.equal(refused, 'TOO_MANY_SIGNALS')
        assert.deepEqual((await client.runs.signals(idOf('c'))).items, [])
      })
    })
  }
})
