import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { CALLS, LIMITS } from '@carillon/contracts'
import { eventually, REQUEST_DEADLINE, signal, within } from '@carillon/wire/testing'
import { z } from 'zod'
import { Cleanup } from '../support/cleanup.ts'
import { collect, countRuns, offering, PATIENTLY, refusal } from '../support/clients.ts'
import { startMesh, type TestMesh } from '../support/mesh.ts'
import { STORES } from '../support/stores.ts'

for (const store of STORES) {
  describe(`runs, ${store.name}`, { skip: store.skip, concurrency: 4 }, () => {
    const cleanup = new Cleanup({ after })
    let mesh: TestMesh
    before(async () => {
      mesh = await startMesh(cleanup, { store })
    })

    test('a run of a handler is answered with what it returns, and published to everyone', async () => {
      const { client, ...executor } = await offering(mesh, { echo: (ctx) => ({ got: ctx.payload, attempt: ctx.attempt }) })
      const run = await client.run('echo', { name: 'Ada', nested: [1, null, 'ü'] })
      assert.equal(run.created, true)
      assert.deepEqual(await run.result(), { got: { name: 'Ada', nested: [1, null, 'ü'] }, attempt: 1 })
      const view = await run.ended()
      assert.deepEqual(
        { ...view, createdAt: 0, startedAt: 0, endedAt: 0 },
        {
          runId: run.id,
          handler: 'echo',
          mode: 'single',
          trigger: 'call',
          by: 'test',
          payload: { name: 'Ada', nested: [1, null, 'ü'] },
          state: 'succeeded',
          reason: 'completed',
          attempt: 1,
          attempts: 1,
          instance: executor.instance,
          result: { got: { name: 'Ada', nested: [1, null, 'ü'] }, attempt: 1 },
          createdAt: 0,
          startedAt: 0,
          endedAt: 0,
        },
      )
    })

    test('log lines arrive live and are kept in order; a run without lines has none', async () => {
      const go = signal()
      const { client } = await offering(mesh, {
        talk: async (ctx) => {
          await go.fired
          for (let n = 1; n <= 30; n++) ctx.log.info(`line ${n}`, { n })
          ctx.log.error('the last')
        },
      })
      const run = await client.run('talk')
      const tail = client.tailLogs(run.id)
      const heard = (async () => {
        const lines: string[] = []
        for await (const line of tail) {
          lines.push(line.message)
          if (line.message === 'the last') break
        }
        return lines
      })()
      // The subscription travels on the same connection as the next call: when that is answered, it stands.
      await client.runs.get(run.id)
      go.fire()
      const expected = [...Array.from({ length: 30 }, (_, i) => `line ${i + 1}`), 'the last']
      assert.deepEqual(await within(60_000, 'all lines are heard', heard), expected)
      const stored = await eventually('the lines are stored', async () => {
        const { items } = await client.logs.query({ runId: run.id })
        return items.length === 31 ? items : undefined
      })
      assert.deepEqual(
        stored.map((line) => line.message),
        expected,
      )
      assert.deepEqual(stored[4]?.fields, { n: 5 })
      assert.deepEqual(
        (await client.logs.query({ runId: run.id, level: 'error' })).items.map((line) => line.message),
        ['the last'],
      )
    })

    test('progress is seen while it runs, live and in the record', async () => {
      const go = signal()
      const { client } = await offering(mesh, {
        climb: async (ctx) => {
          await ctx.progress(40, 'halfway, nearly')
          await go.fired
        },
      })
      const passing = collect(client.live({ noun: 'run' }))
      const run = await client.run('climb')
      const view = await eventually('the record has the progress', async () => {
        const found = await client.runs.get(run.id)
        return found.progress ? found : undefined
      })
      assert.deepEqual([view.state, view.progress], ['running', { percent: 40, note: 'halfway, nearly' }])
      go.fire()
      await run.result()
      await eventually('the signals of the run arrived', () => passing.whatsOf(run.id).includes('progress'))
      assert.ok(passing.whatsOf(run.id).includes('created'), 'created is a live signal')
      passing.stop()
    })

    test('one key is one run: the same request finds it, another one is a conflict that names it', async () => {
      const { client } = await offering(mesh, { once: () => 'done', other: () => 'done' })
      const first = await client.run('once', { order: 1 }, { key: 'order-1' })
      const again = await client.run('once', { order: 1 }, { key: 'order-1' })
      assert.deepEqual([first.created, again.created, again.id], [true, false, first.id])
      await first.result()
      assert.equal((await client.run('once', { order: 1 }, { key: 'order-1' })).created, false, 'also after its end')
      for (const attempt of [client.run('once', { order: 2 }, { key: 'order-1' }), client.run('other', { order: 1 }, { key: 'order-1' })]) {
        const error = await refusal(attempt)
        assert.deepEqual([error.code, error.details.field], ['KEY_CONFLICT', 'key'])
        assert.match(error.message, new RegExp(first.id))
      }
      const racers = await Promise.all(Array.from({ length: 16 }, () => client.run('once', { order: 3 }, { key: 'order-3' })))
      assert.equal(new Set(racers.map(({ id }) => id)).size, 1)
      assert.equal(racers.filter(({ created }) => created).length, 1)
    })

    test('1,000 runs start in one call and all end; 1,001 are refused and none of them exists', async () => {
      const { client } = await offering(mesh, { tiny: (ctx) => ctx.payload }, { concurrency: 200 })
      const requests = Array.from({ length: LIMITS.runsPerCall }, (_, n) => ({ handler: 'tiny', payload: n }))
      const { runs } = await client.call(CALLS.runsStart, { runs: requests }, PATIENTLY)
      const ids = runs.map((run) => ('runId' in run ? run.runId : assert.fail(JSON.stringify(run))))
      assert.equal(new Set(ids).size, 1_000)
      const results = await Promise.all(ids.map((id) => client.handleOf<number>(id).result({ timeoutMs: 60_000 })))
      assert.deepEqual(
        results,
        requests.map(({ payload }) => payload),
      )
      const error = await refusal(client.call(CALLS.runsStart, { runs: [...requests, { handler: 'tiny', payload: 'one too many' }] }))
      assert.deepEqual([error.code, error.details.field, error.details.value], ['TOO_MANY_RUNS', 'runs', '1001 runs'])
      assert.equal(await countRuns(client), 1_000)
    })

    test('in a bulk each has its own outcome; the SDK cuts a large one into calls by itself', async () => {
      const { client } = await offering(mesh, { tiny: (ctx) => ctx.payload }, { concurrency: 200 })
      const outcomes = await client.runMany(
        Array.from({ length: 1_001 }, (_, n) => ({ handler: 'tiny', payload: n, ...(n === 500 ? { delayMs: -1 } : {}) })),
      )
      assert.deepEqual(
        outcomes.flatMap((outcome, n) => (outcome.ok ? [] : [[n, outcome.error.code]])),
        [[500, 'INVALID_DELAY']],
      )
      const ended = await Promise.all(outcomes.flatMap((outcome) => (outcome.ok ? [outcome.run.result({ timeoutMs: 60_000 })] : [])))
      assert.equal(ended.length, 1_000)
      assert.equal(await countRuns(client), 1_000)
    })

    test('what a handler needs of its payload is checked before it runs', async () => {
      let calls = 0
      const executor = await mesh.connect()
      executor.handle(
        'send',
        (ctx) => {
          calls++
          return { sent: ctx.payload.to }
        },
        { input: z.object({ to: z.email() }) },
      )
      await executor.start()
      const { client } = executor
      assert.deepEqual(await (await client.run('send', { to: 'ada@example.org' })).result(), { sent: 'ada@example.org' })
      const refused = await (await client.run('send', { to: 'nobody' }, { attempts: 5 })).ended()
      assert.deepEqual([refused.state, refused.reason, refused.attempt, calls], ['failed', 'invalid-payload', 1, 1])
      assert.match(refused.failure?.message ?? '', /to/)
      const { items } = await client.instances.list()
      assert.deepEqual(
        items.map(({ instance, handlers }) => ({ instance, handlers })),
        [{ instance: executor.instance, handlers: ['send'] }],
      )
    })

    test('a result that is no JSON or too large ends the run with a reason', async () => {
      const { client } = await offering(mesh, {
        cyclic: () => {
          const self: { self?: unknown } = {}
          self.self = self
          return self
        },
        huge: () => 'x'.repeat(LIMITS.resultBytes + 1),
        nothing: () => undefined,
      })
      for (const name of ['cyclic', 'huge']) {
        const view = await (await client.run(name, null, { attempts: 3 })).ended()
        assert.deepEqual([name, view.state, view.reason, view.attempt], [name, 'failed', 'invalid-result', 1])
      }
      assert.equal(await (await client.run('nothing')).result(), null)
    })

    test('a result larger than an event is read from the store', async () => {
      const { client } = await offering(mesh, { large: () => 'x'.repeat(200_000) })
      assert.equal((await (await client.run<string>('large')).result()).length, 200_000)
    })

    test('a run of a handler that no instance offers waits, with that reason; it runs when one comes', async () => {
      const { client, namespace } = await offering(mesh, { 'send-invoice': () => 1, 'send-mail': () => 2 })
      const run = await client.run('send-invioce')
      const view = await client.runs.get(run.id)
      assert.deepEqual(
        [view.state, view.reason, view.message],
        ['queued', 'no-instance', 'no instance offers handler `send-invioce`; these are offered: send-invoice, send-mail'],
      )
      await offering(mesh, { 'send-invioce': () => 'at last' }, { namespace })
      assert.equal(await run.result(), 'at last')
      assert.equal((await client.runs.get(run.id)).attempt, 1, 'waiting uses up no attempt')
    })

    test('events are kept by the broker, one for each end; live signals are not', async () => {
      const { client, namespace } = await offering(mesh, { fine: () => ({ ok: true }), bad: () => Promise.reject(new Error('no')) })
      const events = collect(client.events())
      const [fine, bad] = [await client.run('fine'), await client.run('bad')]
      await Promise.all([fine.ended(), bad.ended()])
      await client.jobs.put({ name: 'a-job' })
      await eventually('events of the runs, the job and its change', () => events.heard.length >= 4)
      assert.deepEqual(
        events.heard.map(({ noun, name, what }) => `${noun} ${name} ${what}`).sort(),
        [`run ${fine.id} succeeded`, `run ${bad.id} failed`, 'job a-job put', 'audit jobs put'].sort(),
      )
      const ofFine = events.heard.find(({ name }) => name === fine.id)?.body as Record<string, unknown>
      assert.deepEqual([ofFine['state'], ofFine['reason'], ofFine['result']], ['succeeded', 'completed', { ok: true }])
      const nats = await mesh.nats()
      const info = await nats.request(
        '$JS.API.STREAM.INFO.EVENTS',
        JSON.stringify({ subjects_filter: `carillon.${namespace}.>` }),
        REQUEST_DEADLINE,
      )
      const { subjects = {} } = info.json<{ state: { subjects?: Record<string, number> } }>().state
      assert.equal(subjects[`carillon.${namespace}.event.run.${fine.id}.succeeded`], 1)
      assert.equal(subjects[`carillon.${namespace}.event.run.${bad.id}.failed`], 1)
      assert.deepEqual(
        Object.keys(subjects).filter((subject) => subject.includes('.live.')),
        [],
      )
      events.stop()
    })

    test('lists are filtered by job, handler, service, key, time and state, together', async () => {
      const work = (ctx: { payload: unknown }) => {
        if (ctx.payload === 'bad') throw new Error('bad')
      }
      const { client, namespace } = await offering(mesh, { pay: work, ship: work })
      await client.jobs.put({ name: 'payments', handler: 'pay' })
      const started = [
        await client.run('payments', null),
        await client.run('pay', 'bad', { key: 'order-1' }),
        await client.run('ship', 'bad'),
        await client.run('ship', null),
      ]
      const ids = started.map(({ id }) => id)
      const [ofJob, keyed, bad, shipped] = ids
      await Promise.all(started.map((run) => run.ended()))
      // Those of one millisecond are in the order of their ids, and that of a key is derived: compared in the order of their starts.
      const listed = async (query: Parameters<typeof client.runs.list>[0]) => {
        const found: string[] = []
        for await (const { runId } of client.runs.list(query)) found.push(runId)
        return found.sort((one, other) => ids.indexOf(one) - ids.indexOf(other))
      }
      assert.deepEqual(await listed({ handler: 'pay' }), [ofJob, keyed])
      assert.deepEqual(await listed({ handler: 'pay', job: 'payments' }), [ofJob])
      assert.deepEqual(await listed({ handler: 'ship', state: 'failed' }), [bad])
      assert.deepEqual(await listed({ key: 'order-1' }), [keyed])
      assert.deepEqual(await listed({ key: 'order-1', state: 'failed', handler: 'pay' }), [keyed])
      assert.deepEqual(await listed({ key: 'order-1', handler: 'ship' }), [])
      assert.deepEqual(await listed({ key: 'order-2' }), [])
      assert.deepEqual(await listed({ limit: 1, handler: 'ship' }), [bad, shipped])
      const { createdAt } = await client.runs.get(bad ?? '')
      assert.deepEqual(await listed({ since: createdAt, handler: 'ship' }), [bad, shipped])
      assert.deepEqual(await listed({ since: '2999-01-01T00:00:00Z' }), [])
      const other = await mesh.connect({ namespace, service: 'billing' })
      other.handle('ship', work)
      await other.start()
      await eventually('its service is known', async () => {
        assert.deepEqual(await listed({ service: 'billing' }), [bad, shipped])
        return true
      })
      assert.deepEqual(await listed({ service: 'billing', state: 'succeeded' }), [shipped])
      assert.deepEqual(await listed({ service: 'billing', handler: 'pay' }), [])
      const unknown = await refusal(listed({ service: 'nobody' }))
      assert.equal(unknown.code, 'INVALID_REQUEST')
      assert.match(unknown.details.hint ?? '', /Live instances are of: .*billing/)
    })

    test('another namespace sees nothing of it', async () => {
      const { client } = await offering(mesh, { echo: () => 1 })
      const run = await client.run('echo', null, { key: 'shared-key' })
      await run.result()
      const other = await mesh.connect()
      assert.equal((await refusal(other.client.runs.get(run.id))).code, 'RUN_NOT_FOUND')
      assert.equal((await refusal(other.client.runs.cancel(run.id))).code, 'RUN_NOT_FOUND')
      assert.deepEqual((await other.client.runs.list()).items, [])
      assert.deepEqual((await other.client.logs.query({ runId: run.id })).items, [])
      assert.equal((await other.client.run('echo', null, { key: 'shared-key' })).created, true, 'keys are per namespace')
    })
  })
}
