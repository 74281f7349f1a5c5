import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { CALLS, type RejectedEvent, type RunView } from '@carillon/contracts'
import type { Warning } from '@carillon/sdk'
import { eventually, REQUEST_DEADLINE, signal } from '@carillon/wire/testing'
import { headers, type NatsConnection } from '@nats-io/transport-node'
import { Cleanup } from '../support/cleanup.ts'
import { collect, offering, wholeRuns } from '../support/clients.ts'
import { freshNamespace, startMesh, type TestMesh } from '../support/mesh.ts'
import { STORES } from '../support/stores.ts'

const DEEP = '['.repeat(10_000) + ']'.repeat(10_000)
const GARBAGE: readonly (string | Uint8Array)[] = [
  'not json',
  '{"half":',
  new Uint8Array([0xff, 0xfe, 0x00, 0xc3, 0x28]),
  // JSON but for one byte that is not UTF-8.
  new Uint8Array([...Buffer.from('{"a":"'), 0xff, ...Buffer.from('"}')]),
  new Uint8Array([...Buffer.from('{"session":"'), 0xff, ...Buffer.from('"}')]),
  DEEP,
  '{"id":9007199254740993}',
  '{"running":9007199254740993}',
  '{"__proto__":{"polluted":true}}',
  '42',
  '"text"',
]

describe('garbage on the subjects that are read', { concurrency: true }, () => {
  for (const store of STORES) {
    describe(store.name, { skip: store.skip }, () => {
      const cleanup = new Cleanup({ after })
      let mesh: TestMesh
      let nats: NatsConnection
      before(async () => {
        mesh = await startMesh(cleanup, { gateways: 1, store })
        nats = await mesh.nats()
      })

      const rejectedIn = async (namespace: string, stream: string): Promise<number> => {
        const subject = `carillon.${namespace}.event.message.${stream}.rejected`
        const info = await nats.request('$JS.API.STREAM.INFO.EVENTS', JSON.stringify({ subjects_filter: subject }), REQUEST_DEADLINE)
        return info.json<{ state: { subjects?: Record<string, number> } }>().state.subjects?.[subject] ?? 0
      }

      // A payload may be any JSON, so some of this is no garbage there. Of a beat, an object, only the fields that it knows are judged: `a` and `id`
      // may be anything, `session` and `running` may not.
      for (const { subject, stream, harmless } of [
        { subject: 'trigger.echo', stream: 'TRIGGERS', harmless: 3 },
        { subject: 'report.unknown', stream: 'REPORTS', harmless: 0 },
        { subject: 'log.0000000000000000000000zzzz', stream: 'LOGS', harmless: 0 },
        { subject: 'beat.unknown', stream: 'beat', harmless: 3 },
      ])
        test(`${subject}: counted, rejected as an event, and the reader goes on`, async () => {
          const { client, namespace } = await offering(mesh, {
            echo: (ctx) => {
              ctx.log.info('still here')
              return ctx.payload
            },
          })
          const events = collect(client.events({ noun: 'message' }))
          const order = await client.run('echo', 'before')
          await order.result()
          for (const body of GARBAGE) nats.publish(`carillon.${namespace}.${subject}`, body)
          await nats.flush()
          const expected = GARBAGE.length - harmless
          await eventually(`${expected} messages are rejected`, async () => (await rejectedIn(namespace, stream)) === expected)
          await eventually('each is published', () => events.whatsOf(stream).length === expected)
          for (const { what, body } of events.heard) {
            const { subject: of, code, message, at, body: text } = body as RejectedEvent
            assert.deepEqual([what, of], ['rejected', `carillon.${namespace}.${subject}`])
            assert.match(code, /^(INVALID_JSON|JSON_TOO_DEEP|INTEGER_TOO_LARGE|INVALID_REQUEST|INVALID_NAME)$/)
            assert.ok(message.length > 0 && text.length <= 4_096 && Number.isFinite(Date.parse(at)))
          }
          events.stop()
          const run = await client.run<string>('echo', 'after')
          assert.equal(await run.result({ timeoutMs: 10_000 }), 'after')
          await eventually('logs are stored', async () => (await client.logs.query({ runId: run.id })).items.length === 1)
          nats.publish(`carillon.${namespace}.trigger.echo`, '"triggered"')
          await eventually('triggers fire', async () =>
            (await wholeRuns(client)).some(
              ({ trigger, result, state }) => trigger === 'stream' && result === 'triggered' && state === 'succeeded',
            ),
          )
          assert.equal(await rejectedIn(namespace, stream), expected, 'once rejected, never again')
          assert.equal(({} as { polluted?: boolean }).polluted, undefined)
        })

      test('the coordinator, the registry and the logger count them', async () => {
        const { client } = await mesh.connect()
        const rejected = async () => {
          const { checks } = await client.call(CALLS.coordinatorHealth, {})
          return Number(/^(\d+)/.exec(checks.find(({ name }) => name === 'rejected')?.message ?? '')?.[1])
        }
        const before = await rejected()
        const namespace = freshNamespace()
        nats.publish(`carillon.${namespace}.trigger.echo`, '{')
        // The other tests of this mesh are counted, too.
        await eventually('it is counted', async () => (await rejected()) > before)
        assert.equal(await rejectedIn(namespace, 'TRIGGERS'), 1)
      })

      test('a trigger whose job has no name, or whose options are wrong', async () => {
        const { client, namespace } = await offering(mesh, { echo: () => null })
        nats.publish(`carillon.${namespace}.trigger.ünicode`, '1')
        nats.publish(`carillon.${namespace}.trigger.${'x'.repeat(65)}`, '1')
        nats.publish(`carillon.${namespace}.trigger.__proto__`, '1')
        for (const [name, value] of [
          ['Carillon-Delay-Ms', '-5'],
          ['Carillon-Delay-Ms', 'soon'],
          ['Carillon-At', '2030-02-30T00:00:00Z'],
          ['Carillon-Attempts', '0'],
          ['Carillon-Key', 'k'.repeat(300)],
        ] as const) {
          const options = headers()
          options.set(name, value)
          nats.publish(`carillon.${namespace}.trigger.echo`, '1', { headers: options })
        }
        await eventually('all are rejected', async () => (await rejectedIn(namespace, 'TRIGGERS')) === 8)
        assert.deepEqual((await client.runs.list()).items, [])
      })

      test('calls answer garbage with an error', async () => {
        const namespace = freshNamespace()
        for (const { noun, verb } of Object.values(CALLS)) {
          const answer = await nats.request(`carillon.${namespace}.api.${noun}.${verb}`, '{"half":', REQUEST_DEADLINE)
          assert.equal(answer.json<{ error?: { code: string } }>().error?.code, 'INVALID_JSON', `${noun}.${verb}`)
        }
      })

      test('an executor warns of what it cannot read, and works on', async () => {
        const warnings: Warning[] = []
        const { client, namespace } = await offering(
          mesh,
          { echo: (ctx) => ctx.payload },
          { instance: 'target', onWarning: (warning) => void warnings.push(warning) },
        )
        for (const body of GARBAGE.slice(0, 3)) {
          nats.publish(`carillon.${namespace}.control.target`, body)
          nats.publish(`carillon.${namespace}.work.echo.normal.garbage-${Math.random().toString(36).slice(2)}`, body)
          nats.publish(`carillon.${namespace}.direct.target`, body, { reply: '_INBOX.nobody' })
        }
        await eventually('it has warned', () => warnings.length >= 9)
        assert.deepEqual([...new Set(warnings.map(({ code }) => code))].sort(), ['message-not-understood', 'work-not-understood'])
        assert.equal(await (await client.run('echo', 'still here')).result({ timeoutMs: 10_000 }), 'still here')
        assert.equal((await (await client.run('echo', 'all', { mode: 'broadcast' })).ended()).state, 'succeeded')
        const info = await nats.request(
          '$JS.API.STREAM.INFO.WORK',
          JSON.stringify({ subjects_filter: `carillon.${namespace}.>` }),
          REQUEST_DEADLINE,
        )
        assert.deepEqual(info.json<{ state: { subjects?: object } }>().state.subjects ?? {}, {}, 'garbage does not stay in the queue')
      })

      test('a report for an unknown, an ended or a foreign run changes nothing', async () => {
        const release = signal()
        const { client, namespace, instance } = await offering(mesh, {
          held: () => release.fired,
          bad: () => {
            throw new Error('as it should')
          },
        })
        const [open, ended] = [await client.run('held'), await client.run('bad')]
        await ended.ended()
        await eventually('it runs', async () => (await client.runs.get(open.id)).state === 'running')
        const before = [await client.runs.get(open.id), await client.runs.get(ended.id)]
        const finished = (runId: string, attempt = 1) =>
          JSON.stringify({ type: 'finished', runId, taskId: runId, attempt, outcome: 'succeeded', result: 'forged' })
        const report = (from: { namespace?: string; instance: string }, body: string) =>
          nats.publish(`carillon.${from.namespace ?? namespace}.report.${from.instance}`, body)
        report({ instance }, finished('0000000000000000000000zzzz'))
        report({ instance }, finished(ended.id))
        report({ instance: 'unknown' }, finished(ended.id))
        report({ instance: 'unknown' }, finished(open.id))
        report({ instance }, finished(open.id, 2))
        report({ namespace: freshNamespace(), instance }, finished(open.id))
        report({ instance: 'unknown' }, JSON.stringify({ type: 'progress', runId: open.id, taskId: open.id, attempt: 1, percent: 99 }))
        report(
          { instance: 'unknown' },
          JSON.stringify({ type: 'finished', runId: open.id, taskId: `${open.id}-00000`, attempt: 1, outcome: 'succeeded' }),
        )
        await eventually('all have been read', async () => {
          const info = await nats.request('$JS.API.CONSUMER.INFO.REPORTS.coordinators', '', REQUEST_DEADLINE)
          const { num_pending: pending, num_ack_pending: unacked } = info.json<{ num_pending: number; num_ack_pending: number }>()
          return pending === 0 && unacked === 0
        })
        const views: RunView[] = [await client.runs.get(open.id), await client.runs.get(ended.id)]
        assert.deepEqual(views, before)
        assert.equal((await client.runs.list()).items.length, 2, 'no run came into being')
        release.fire()
        assert.equal(await open.result(), null)
      })
    })
  }
})
