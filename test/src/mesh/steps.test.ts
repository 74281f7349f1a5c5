import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { CALLS, type CarillonError, type Client, NonRetryableError, type TaskContext } from '@carillon/sdk'
import { eventually, signal } from '@carillon/wire/testing'
import { Cleanup } from '../support/cleanup.ts'
import { offering } from '../support/clients.ts'
import { freshNamespace, startMesh, type TestMesh } from '../support/mesh.ts'
import { STORES } from '../support/stores.ts'

/** Steps note what they do here: the outside world. */
const notes = () => {
  const done: string[] = []
  const note = <Result>(name: string, result?: Result) => {
    done.push(name)
    return result as Result
  }
  return { done, note }
}

const ended = (client: Client, runId: string) =>
  eventually('it has ended', async () => {
    const run = await client.runs.get(runId)
    return ['succeeded', 'failed', 'cancelled'].includes(run.state) ? run : undefined
  })

describe('durable steps', { concurrency: true }, () => {
  for (const store of STORES) {
    describe(`durable steps, ${store.name}`, { skip: store.skip, concurrency: true }, () => {
      const cleanup = new Cleanup({ after })
      let mesh: TestMesh
      before(async () => {
        mesh = await startMesh(cleanup, { store })
      })

      test('a step that is done is not done again: a further attempt gets what it has returned', async () => {
        const { done, note } = notes()
        const { client } = await offering(mesh, {
          pay: async (ctx: TaskContext) => {
            const reserved = await ctx.step('reserve', () => note('reserve', { id: 7, at: new Date(0) }))
            const charged = await ctx.step('charge', async () => note('charge', undefined))
            if (ctx.attempt < 3) throw new Error('after the charge')
            return { reserved, charged, last: await ctx.step('mail', () => note('mail', 'sent')) }
          },
        })
        const run = await client.run('pay', null, { attempts: 3, backoff: { type: 'fixed', delayMs: 5 } })
        assert.deepEqual(await run.result(), { reserved: { id: 7, at: '1970-01-01T00:00:00.000Z' }, charged: null, last: 'sent' })
        assert.deepEqual(done, ['reserve', 'charge', 'mail'])
        const { items } = await client.call(CALLS.tasksJournal, { taskId: run.id })
        assert.deepEqual(
          items.map(({ index, name, state, tries }) => [index, name, state, tries]),
          [
            [0, 'reserve', 'done', 1],
            [1, 'charge', 'done', 1],
            [2, 'mail', 'done', 1],
          ],
        )
      })

      test('a list of steps; each with tries of its own, and what those before it returned', async () => {
        const { done, note } = notes()
        const place = await mesh.connect()
        let failures = 2
        place.steps('ship', [
          { name: 'pack', run: () => note('pack', 3) },
          {
            name: 'call',
            attempts: 3,
            backoff: { type: 'fixed', delayMs: 20 },
            run() {
              note('call')
              if (failures-- > 0) throw new Error('nobody there')
              return 'they come'
            },
          },
          {
            name: 'close',
            run(ctx) {
              ctx.log.info('closing', { run: ctx.runId, attempt: ctx.attempt })
              return note('close', ctx.done)
            },
          },
        ])
        await place.start()
        const run = await place.client.run('ship')
        assert.deepEqual(await run.result(), { pack: 3, call: 'they come' })
        assert.deepEqual(done, ['pack', 'call', 'call', 'call', 'close'])
        // Waiting for a step uses no try of the run.
        const { attempt, attempts } = await place.client.runs.get(run.id)
        assert.deepEqual([attempt, attempts], [3, 3])
        failures = 3
        const failing = await place.client.run('ship')
        await assert.rejects(failing.result(), /nobody there/)
        await place.client.runs.retry(failing.id)
        assert.equal((await ended(place.client, failing.id)).state, 'succeeded')
        assert.equal(done.filter((name) => name === 'pack').length, 2)
      })

      test('a sleep holds no process; what was done before it is not done again', async () => {
        const { done, note } = notes()
        const { client, executor } = await offering(
          mesh,
          {
            remind: async (ctx: TaskContext) => {
              await ctx.step('first', () => note('first'))
              await ctx.sleep(1_300)
              await ctx.step('second', () => note('second'))
              await ctx.sleep(new Date(Date.now() - 5))
              return 'done'
            },
            other: () => 'there is room',
          },
          { concurrency: 1, capacity: 1 },
        )
        const begun = Date.now()
        const run = await client.run('remind')
        await eventually('it sleeps', async () => (await client.runs.get(run.id)).reason === 'sleep')
        assert.equal(await (await client.run('other')).result(), 'there is room')
        assert.equal(await run.result(), 'done')
        assert.ok(Date.now() - begun >= 1_300)
        assert.deepEqual(done, ['first', 'second'])
        assert.ok(executor)
      })

      test('a failure that the program has dealt with is not undone by a sleep; nothing begins in an attempt that is over', async () => {
        const { done, note } = notes()
        let isDeclined = true
        const { client } = await offering(mesh, {
          order: async (ctx: TaskContext) => {
            try {
              await ctx.step('charge', () => {
                note('charge')
                if (isDeclined) throw new Error('declined')
              })
            } catch {
              await ctx.step('compensate', () => note('compensate'))
            }
            isDeclined = false
            await ctx.sleep(1_100)
            const branch = async () => {
              await ctx.step('a', () => new Promise((resolve) => setTimeout(resolve, 100)))
              await ctx.step('b', () => note('b'))
            }
            await Promise.all([branch(), ctx.sleep(1_200)])
            void ctx.step('audit', () => note('audit'))
            return 'done'
          },
        })
        const run = await client.run('order')
        assert.equal(await run.result(), 'done')
        assert.deepEqual(done, ['charge', 'compensate', 'b', 'audit'])
      })

      test('a drain finishes the step under way and stores it; the rest is done elsewhere, without a loss', async () => {
        const { done, note } = notes()
        const [begun, release] = [signal(), signal()]
        const namespace = freshNamespace()
        const long = (name: string) => async (ctx: TaskContext) => {
          await ctx.step('one', async () => {
            begun.fire()
            await release.fired
            note(`one by ${name}`)
          })
          await ctx.step('two', () => note(`two by ${name}`))
          return name
        }
        const first = await offering(mesh, { long: long('first') }, { namespace, drainMs: 10_000 })
        const run = await first.client.run('long')
        await begun.fired
        const second = await offering(mesh, { long: long('second') }, { namespace })
        const stopping = first.executor.stop()
        release.fire()
        await stopping
        assert.equal((await ended(second.client, run.id)).result, 'second')
        assert.deepEqual(done, ['one by first', 'two by second'])
      })

      test('a run is restarted from a step, with what was stored before it; not while it runs', async () => {
        const { done, note } = notes()
        const release = signal()
        const { client } = await offering(mesh, {
          bill: async (ctx: TaskContext) => {
            for (const name of ['a', 'b', 'c']) await ctx.step(name, () => note(name, done.length))
            if (done.length === 3) await release.fired
            return done.length
          },
        })
        const run = await client.run('bill')
        await eventually('the steps are done', () => done.length === 3)
        await assert.rejects(client.runs.retry(run.id, { fromStep: 'b' }), { code: 'RUN_OPEN' })
        release.fire()
        assert.equal(await run.result(), 3)
        const unknown = await client.runs.retry(run.id, { fromStep: 'x' }).catch((error: CarillonError) => error as CarillonError)
        assert.match(String((unknown as CarillonError).details['hint']), /a, b, c/)
        for (const [options, after] of [
          [{ fromStep: 'b' }, 'abcbc'],
          [{ fromStep: 'c' }, 'abcbcc'],
          [{}, 'abcbccabc'],
        ] as const) {
          await client.runs.retry(run.id, options)
          await eventually('it was run again', async () => done.join('') === after && (await client.runs.get(run.id)).state === 'succeeded')
        }
      })

      test('a changed program: the run waits and says what differs; nothing of it is executed, and a program that fits goes on', async () => {
        const caught: string[] = []
        const programs: Record<string, string[]> = {
          renamed: ['a', 'x', 'c'],
          reordered: ['b', 'a', 'c'],
          removed: ['a'],
          same: ['a', 'b', 'c', 'd'],
        }
        let steps = ['a', 'b', 'c']
        const { client, namespace } = await offering(mesh, {
          job: async (ctx: TaskContext) => {
            for (const name of steps) await ctx.step(name, () => name).catch(() => caught.push(name))
            if (ctx.attempt === 1) throw new Error('once')
          },
        })
        for (const [what, changed] of Object.entries(programs)) {
          steps = ['a', 'b', 'c']
          const run = await client.run('job')
          await assert.rejects(run.result())
          steps = changed
          await client.runs.retry(run.id)
          if (what === 'same') {
            assert.equal((await ended(client, run.id)).state, 'succeeded')
            continue
          }
          const waits = await eventually('it waits', async () => {
            const view = await client.runs.get(run.id)
            return view.reason === 'program-changed' ? view : undefined
          })
          assert.deepEqual([waits.state, waits.attempts - waits.attempt], ['queued', 0], what)
          assert.match(waits.message ?? '', /^Step \d was "[abc]"/)
          assert.match((await client.runs.why(run.id)).why, /Step \d was "[abc]"/)
          assert.deepEqual(caught, [])
          if (what === 'renamed') {
            // The right program again, in a process that comes later.
            steps = ['a', 'b', 'c']
            const later = await offering(
              mesh,
              {
                job: async (ctx: TaskContext) => {
                  for (const name of steps) await ctx.step(name, () => name)
                },
              },
              { namespace },
            )
            assert.equal((await ended(client, run.id)).state, 'succeeded')
            await later.executor.stop()
          } else assert.equal((await client.runs.cancel(run.id)).state, 'cancelled')
        }
      })

      test('what is no step is refused by name, and what cannot be kept fails the run', async () => {
        const errors: unknown[] = []
        const collect = (error: CarillonError) => errors.push([error.code, error.details['field']])
        const { client, instance } = await offering(mesh, {
          wrong: async (ctx: TaskContext) => {
            await ctx.step('a', () => 1)
            for (const name of ['a', 'sleep', 'x.y', '']) await ctx.step(name, () => 1).catch(collect)
            await ctx.step('b', () => 'x'.repeat(300_000)).catch(collect)
            await ctx.step('c', () => 5n as unknown).catch(collect)
            await ctx.step('d', () => 1, { attempts: 0 }).catch(collect)
            await ctx.sleep(Number.NaN).catch(collect)
          },
          fatal: (ctx: TaskContext) =>
            ctx.step(
              'never',
              () => {
                throw new NonRetryableError('never')
              },
              { attempts: 5 },
            ),
        })
        const run = await client.run('wrong')
        await run.result()
        assert.deepEqual(errors, [
          ['INVALID_REQUEST', 'step'],
          ['INVALID_REQUEST', 'step'],
          ['INVALID_NAME', 'step'],
          ['INVALID_NAME', 'step'],
          ['RESULT_TOO_LARGE', 'result'],
          ['RESULT_NOT_JSON', 'result'],
          ['INVALID_REQUEST', 'attempts'],
          ['INVALID_DELAY', 'until'],
        ])
        const late = { taskId: run.id, attempt: 1, instance, index: 1, name: 'late', outcome: { type: 'done' } } as const
        await assert.rejects(client.call(CALLS.tasksStep, late), { code: 'TASK_NOT_RUNNING' })
        await assert.rejects((await client.run('fatal')).result(), /never/)
      })
    })
  }
})
