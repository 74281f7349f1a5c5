import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { NonRetryableError, RetryAfterError } from '@carillon/sdk'
import { eventually, signal } from '@carillon/wire/testing'
import { Cleanup } from '../support/cleanup.ts'
import { type Offered, offering, refusal } from '../support/clients.ts'
import { startMesh, type TestMesh } from '../support/mesh.ts'
import { STORES } from '../support/stores.ts'

const DAY_MS = 86_400_000

// Most of the time goes by waiting: both stores at once.
describe('attempts', { concurrency: true }, () => {
  for (const store of STORES) {
    describe(`attempts, ${store.name}`, { skip: store.skip, concurrency: true }, () => {
      const cleanup = new Cleanup({ after })
      let mesh: TestMesh
      before(async () => {
        mesh = await startMesh(cleanup, { store })
      })

      /** An executor whose handler notes when it was called, and does as told. */
      const noting = async (act: (attempt: number) => unknown) => {
        const calls: number[] = []
        const offered = await offering(mesh, {
          task: (ctx) => {
            calls.push(performance.now())
            return act(ctx.attempt)
          },
        })
        const gaps = () => calls.slice(1).map((at, i) => at - (calls[i] as number))
        return { ...offered, calls, gaps }
      }
      const failing = (attempt: number) => {
        throw new TypeError(`attempt ${attempt} fails`)
      }

      test('a failing run is tried as often as requested, a fixed time apart, then it has failed', async () => {
        const { client, calls, gaps } = await noting(failing)
        const run = await client.run('task', null, { attempts: 3, backoff: { type: 'fixed', delayMs: 300 } })
        const error = await refusal(run.result())
        assert.equal(error.code, 'RUN_NOT_SUCCEEDED')
        assert.match(error.message, /failed \(handler-error\).*TypeError: attempt 3 fails/)
        const view = await client.runs.get(run.id)
        assert.deepEqual([view.state, view.reason, view.attempt, view.attempts, calls.length], ['failed', 'handler-error', 3, 3, 3])
        assert.deepEqual([view.failure?.name, view.failure?.message], ['TypeError', 'attempt 3 fails'])
        assert.match(view.failure?.stack ?? '', /attempts\.test/)
        for (const gap of gaps()) assert.ok(gap >= 295, `${gap} ms apart`)
      })

      test('exponential backoff doubles, up to its limit; the attempt that works ends it', async () => {
        const { client, gaps } = await noting((attempt) => (attempt < 5 ? failing(attempt) : { attempt }))
        const run = await client.run('task', null, { attempts: 10, backoff: { type: 'exponential', delayMs: 100, factor: 2, maxMs: 300 } })
        assert.deepEqual(await run.result(), { attempt: 5 })
        const [first = 0, second = 0, third = 0, fourth = 0] = gaps()
        for (const [gap, least] of [
          [first, 100],
          [second, 200],
          [third, 300],
          [fourth, 300],
        ] as const)
          assert.ok(gap >= least - 5, `${gap} ms instead of ${least}`)
        assert.equal((await client.runs.get(run.id)).failure, undefined, 'a run that succeeded has no failure')
      })

      test('the waits are those of a list, whose last one repeats; or the next second of a cron expression', async () => {
        const listed = await noting((attempt) => (attempt < 4 ? failing(attempt) : attempt))
        const backoff = { type: 'list', delaysMs: [20, 400] } as const
        assert.equal(await (await listed.client.run('task', null, { attempts: 9, backoff })).result(), 4)
        const [first = 0, second = 0, third = 0] = listed.gaps()
        assert.ok(first >= 15 && second >= 395 && third >= 395, `${listed.gaps()}`)
        const seconds: number[] = []
        const timed = await noting((attempt) => {
          seconds.push(Math.floor(Date.now() / 1_000))
          return attempt < 3 ? failing(attempt) : null
        })
        await timed.client.jobs.put({ name: 'timed', handler: 'task', attempts: 9, backoff: { type: 'cron', cron: '* * * * * *' } })
        await (await timed.client.run('timed')).result()
        assert.equal(new Set(seconds).size, 3, `${seconds}`)
      })

      test('an error of a name or code that is not retried ends it; a run may say otherwise than its job', async () => {
        const { client, calls } = await noting(() => {
          throw new TypeError('fetch failed', { cause: Object.assign(new Error('dns'), { code: 'ENOTFOUND' }) })
        })
        const backoff = { type: 'fixed', delayMs: 1 } as const
        await client.jobs.put({ name: 'strict', handler: 'task', attempts: 3, backoff, nonRetryable: ['ENOTFOUND'] })
        assert.deepEqual((await client.jobs.get('strict')).nonRetryable, ['ENOTFOUND'])
        const { runId, state, reason, attempt, failure } = await (await client.run('strict')).ended()
        assert.deepEqual([state, reason, attempt, calls.length], ['failed', 'non-retryable', 1, 1])
        assert.deepEqual([failure?.name, failure?.code], ['TypeError', 'ENOTFOUND'])
        assert.deepEqual((await client.runs.get(runId)).nonRetryable, ['ENOTFOUND'])
        assert.equal((await (await client.run('strict', null, { nonRetryable: ['RangeError'] })).ended()).attempt, 3)
        const plain = await client.run('task', null, { attempts: 3, backoff, nonRetryable: ['TypeError'] })
        assert.equal((await plain.ended()).attempt, 1)
        const key = await client.run('task', null, { key: 'one', nonRetryable: ['A'] })
        assert.equal((await client.run('task', null, { key: 'one', nonRetryable: ['A'] })).id, key.id)
        const conflict = await refusal(client.run('task', null, { key: 'one', nonRetryable: ['B'] }))
        assert.match(conflict.message, /asked for with another nonRetryable/)
      })

      test('a backoff of nonsense is refused, of a run as of a job', async () => {
        const { client } = await noting(failing)
        const cron = (text: string, timezone = 'UTC') => ({ type: 'cron', cron: text, timezone }) as const
        for (const [backoff, code, field] of [
          [cron('0 0 31 4 *'), 'CRON_NEVER_FIRES', 'backoff.cron'],
          [cron('*/61 * * * *'), 'INVALID_CRON', 'backoff.cron'],
          [cron('@daily', 'Mars/Olympus'), 'INVALID_TIME_ZONE', 'backoff.timezone'],
          [{ type: 'list', delaysMs: [] }, 'INVALID_REQUEST', 'backoff.delaysMs'],
          [{ type: 'random', minMs: 2, maxMs: 1 }, 'INVALID_REQUEST', 'backoff.maxMs'],
          [{ type: 'fixed', delayMs: 1, jitter: 2 }, 'INVALID_REQUEST', 'backoff.jitter'],
        ] as const)
          for (const refused of [
            () => client.run('task', null, { attempts: 2, backoff }),
            () => client.jobs.put({ name: 'wrong', attempts: 2, backoff } as never),
          ]) {
            const error = await refusal(refused())
            assert.deepEqual([error.code, error.details.field], [code, field], error.message)
            assert.equal(error.retry, false)
          }
      })

      test('while it waits for its next attempt a run says so', async () => {
        const { client } = await noting(failing)
        const run = await client.run('task', null, { attempts: 2, backoff: { type: 'fixed', delayMs: DAY_MS } })
        const view = await eventually('it waits', async () => {
          const found = await client.runs.get(run.id)
          return found.state === 'delayed' ? found : undefined
        })
        assert.deepEqual([view.reason, view.attempt, view.failure?.message], ['retry', 2, 'attempt 1 fails'])
        assert.ok(Math.abs(Date.parse(view.dueAt ?? '') - Date.now() - DAY_MS) < 60_000)
        await client.runs.cancel(run.id)
      })

      test('NonRetryableError ends it at once, RetryAfterError says when', async () => {
        const hopeless = await noting(() => {
          throw new NonRetryableError('never')
        })
        const ended = await (await hopeless.client.run('task', null, { attempts: 5, backoff: { type: 'fixed', delayMs: 1 } })).ended()
        assert.deepEqual([ended.state, ended.reason, ended.attempt, hopeless.calls.length], ['failed', 'non-retryable', 1, 1])
        const busy = await noting((attempt) => {
          if (attempt === 1) throw new RetryAfterError('later', 700)
          return 'now'
        })
        assert.equal(await (await busy.client.run('task', null, { attempts: 2, backoff: { type: 'fixed', delayMs: 1 } })).result(), 'now')
        const [gap = 0] = busy.gaps()
        assert.ok(gap >= 695, `${gap} ms`)
      })

      test('an attempt beyond its time limit is aborted, ends, and is tried again', async () => {
        const reasons: string[] = []
        const { client } = await offering(mesh, {
          task: (ctx) =>
            new Promise((_, reject) =>
              ctx.signal.addEventListener('abort', () => {
                reasons.push((ctx.signal.reason as Error).name)
                reject(ctx.signal.reason)
              }),
            ),
        })
        const run = await client.run('task', null, { timeoutMs: 200, attempts: 2, backoff: { type: 'fixed', delayMs: 10 } })
        const view = await run.ended()
        assert.deepEqual([view.state, view.reason, view.attempt], ['timed_out', 'attempt-timeout', 2])
        assert.deepEqual(reasons, ['TimeoutError', 'TimeoutError'])
      })

      test('a handler that does not listen to its signal is over after its grace all the same', async () => {
        const release = signal()
        const { client } = await offering(mesh, { deaf: () => release.fired })
        const begun = performance.now()
        const view = await (await client.run('deaf', null, { timeoutMs: 100 })).ended()
        assert.deepEqual([view.state, view.reason], ['timed_out', 'attempt-timeout'])
        assert.ok(performance.now() - begun >= 5_000, 'it had its grace')
        release.fire()
      })

      test('a queued run that is cancelled never starts', async () => {
        const { client, namespace } = await offering(mesh, {})
        const calls: string[] = []
        const [cancelled, kept] = [await client.run('task', 'cancelled'), await client.run('task', 'kept')]
        const view = await client.runs.cancel(cancelled.id)
        assert.deepEqual([view.state, view.reason], ['cancelled', 'cancelled-by-request'])
        await offering(mesh, { task: (ctx) => void calls.push(ctx.payload) }, { namespace, concurrency: 1 })
        await kept.result()
        const after = await client.run('task', 'after')
        await after.result()
        assert.deepEqual(calls, ['kept', 'after'])
        const error = await refusal(client.runs.cancel(cancelled.id))
        assert.deepEqual([error.code, error.details.field], ['RUN_ENDED', 'runId'])
      })

      test('a queue of runs behind a busy executor: what is cancelled there never starts', async () => {
        const release = signal()
        const calls: unknown[] = []
        const { client } = await offering(
          mesh,
          {
            task: async (ctx) => {
              calls.push(ctx.payload)
              if (ctx.payload === 0) await release.fired
            },
          },
          { concurrency: 1 },
        )
        const runs = [await client.run('task', 0)]
        await eventually('the first one runs', () => calls.length === 1)
        for (let n = 1; n <= 20; n++) runs.push(await client.run('task', n))
        for (const run of runs.slice(1, 11)) await client.runs.cancel(run.id)
        release.fire()
        const states = await Promise.all(runs.map(async (run) => (await run.ended()).state))
        assert.deepEqual(states, ['succeeded', ...Array(10).fill('cancelled'), ...Array(10).fill('succeeded')])
        assert.deepEqual(
          calls.toSorted((a, b) => Number(a) - Number(b)),
          [0, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20],
        )
      })

      test('a running one is notified, and cancelled when it confirms; others go on', async () => {
        const release = signal()
        let reason: unknown
        const { client } = await offering(mesh, {
          task: async (ctx: Parameters<Parameters<Offered['executor']['handle']>[1]>[0]) => {
            if (ctx.payload === 'other') return release.fired
            await sleep(60_000, undefined, { signal: ctx.signal }).catch((error: Error) => {
              reason = ctx.signal.reason
              throw error
            })
          },
        })
        const [run, other] = [await client.run('task', 'this'), await client.run('task', 'other')]
        await eventually('both run', async () => {
          const views = await Promise.all([run, other].map(({ id }) => client.runs.get(id)))
          return views.every(({ state }) => state === 'running')
        })
        const view = await client.runs.cancel(run.id)
        assert.ok(['cancelling', 'cancelled'].includes(view.state))
        const ended = await run.ended({ timeoutMs: 10_000 })
        assert.deepEqual([ended.state, ended.reason, (reason as Error).name], ['cancelled', 'cancelled-by-request', 'AbortError'])
        assert.equal((await client.runs.get(other.id)).state, 'running')
        release.fire()
        await other.result()
      })

      test('a delayed run that is cancelled never starts', async () => {
        const { client, calls } = await noting(() => 'started')
        const run = await client.run('task', null, { delayMs: 2_500 })
        assert.equal((await client.runs.get(run.id)).state, 'delayed')
        await client.runs.cancel(run.id)
        const later = await client.run('task', null, { delayMs: 2_700 })
        await later.result()
        assert.equal(calls.length, 1)
        assert.equal((await client.runs.get(run.id)).state, 'cancelled')
      })

      test('an ended run is run again on request, with as many tries as at first', async () => {
        let works = false
        const { client, calls } = await noting((attempt) => (works ? { attempt } : failing(attempt)))
        const run = await client.run('task', null, { attempts: 2, backoff: { type: 'fixed', delayMs: 1 } })
        assert.equal((await run.ended()).state, 'failed')
        works = true
        const view = await client.runs.retry(run.id)
        assert.deepEqual([view.runId, view.attempt, view.attempts], [run.id, 3, 4])
        assert.deepEqual(await run.result(), { attempt: 3 })
        assert.equal(calls.length, 3)
        // A run that succeeded, and one that was cancelled while queued, can be run again as well.
        await client.runs.retry(run.id)
        assert.deepEqual(await run.result(), { attempt: 4 })
        const never = await client.run('task', null, { delayMs: DAY_MS })
        const open = await refusal(client.runs.retry(never.id))
        assert.deepEqual([open.code, open.details.field], ['RUN_OPEN', 'runId'])
        await client.runs.cancel(never.id)
        await client.runs.retry(never.id)
        assert.equal((await never.ended()).state, 'succeeded')
      })

      test('a delay and a date are kept to, and 60 days are not at once', async () => {
        const { client, calls } = await noting(() => Date.now())
        const delayed = await client.run('task', null, { delayMs: 60 * DAY_MS })
        const dated = await client.run('task', null, { at: new Date(Date.now() + 60 * DAY_MS) })
        const before = Date.now()
        const soon = await client.run<number>('task', null, { delayMs: 800 })
        const at = new Date(before + 1_200)
        const sharp = await client.run<number>('task', null, { at })
        const past = await client.run('task', null, { at: '2020-01-01T00:00:00Z' })
        await past.result()
        const startedAt = await soon.result()
        assert.ok(startedAt - before >= 800, `${startedAt - before} ms`)
        const late = (await sharp.result()) - at.getTime()
        assert.ok(late >= 0, `${late} ms early`)
        assert.equal(calls.length, 3)
        for (const run of [delayed, dated]) {
          const view = await client.runs.get(run.id)
          assert.deepEqual([view.state, view.reason], ['delayed', 'delay'])
          assert.ok(Math.abs(Date.parse(view.dueAt ?? '') - before - 60 * DAY_MS) < 10_000, view.dueAt)
        }
      })
    })
  }
})
