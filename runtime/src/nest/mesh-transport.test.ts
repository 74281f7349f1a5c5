import assert from 'node:assert/strict'
import { after, before, type TestContext, test } from 'node:test'
import { CarillonError, subjects, VERSION } from '@carillon/contracts'
import { systemClock } from '@carillon/wire/internal'
import { REQUEST_DEADLINE } from '@carillon/wire/testing'
import { headers, type Msg } from '@nats-io/transport-node'
import { AuditTrail } from '../nats/audit-trail.ts'
import type { Incoming } from '../nats/incoming.ts'
import type { Request } from '../nats/request.ts'
import { eventually, startTestBroker, type TestBroker } from '../testing/index.ts'
import type { Controller, Signal } from './controllers.ts'
import { MeshTransport } from './mesh-transport.ts'
import { startMicroservice } from './start-microservice.ts'

let base: TestBroker
after(() => base.stop())
before(async () => {
  base = await startTestBroker(['TRIGGERS', 'EVENTS'])
})

/** Each test sets what the controller does. */
const behaviour = {
  get: (_request: Request<{ name: string }>): unknown => undefined,
  batches: [] as Incoming[][],
  signals: [] as Signal[],
  overheard: [] as unknown[],
}

const controller: Controller = {
  service: 'coordinator',
  handlers: new Map<string, (data: never) => unknown>([
    ['call jobs.get', (request: Request<{ name: string }>) => behaviour.get(request)],
    ['batch TRIGGERS', async (batch: Incoming[]) => void behaviour.batches.push(batch)],
    [
      'signal live.job.*.changed',
      async (signal: Signal) => {
        behaviour.signals.push(signal)
        if (signal.body === 'fail') throw new Error('no')
      },
    ],
    ['overheard beat.*', async (signal: Signal) => void behaviour.overheard.push(signal.body)],
  ]),
}

async function start(context: TestContext) {
  const { broker, log, rejected } = base
  const batches = { maxMessages: 10, maxInFlight: 1 }
  const transport = new MeshTransport({
    service: 'coordinator',
    broker,
    log,
    clock: systemClock,
    rejected,
    trail: new AuditTrail({ publisher: base.publisher, log }),
    batches,
  })
  const service = await startMicroservice({ controller, transport, log })
  context.after(() => service.stop())
  return service
}

async function call(body: string, options: { namespace?: string; traceparent?: string } = {}): Promise<Msg> {
  const head = headers()
  if (options.traceparent) head.set('traceparent', options.traceparent)
  const subject = `carillon.${options.namespace ?? 'shop'}.api.jobs.get`
  return base.broker.connection.request(subject, body, { ...REQUEST_DEADLINE, headers: head })
}

test('a call is answered in plain JSON, with checked input, namespace and trace', async (context) => {
  await start(context)
  behaviour.get = ({ namespace, input, traceparent }) => Promise.resolve({ namespace, ...input, traceparent })
  const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'
  assert.deepEqual((await call('{"name":"report"}', { traceparent })).json(), { namespace: 'shop', name: 'report', traceparent })
  assert.deepEqual((await call('{"name":"report"}')).json(), { namespace: 'shop', name: 'report' })
})

test('errors are bodies with code, field and value, and headers of the services protocol', async (context) => {
  await start(context)
  behaviour.get = () => {
    throw new CarillonError('JOB_NOT_FOUND', 'there is no job\r\n"x"', { field: 'name', value: '"x"' })
  }
  const cases: [string, string, string | undefined][] = [
    ['{"name":"x"}', 'JOB_NOT_FOUND', 'name'],
    ['{"name":"a.b"}', 'INVALID_NAME', 'name'],
    ['', 'INVALID_NAME', 'name'],
    ['{"name":"x","colour":1}', 'INVALID_REQUEST', 'colour'],
    ['[]', 'INVALID_REQUEST', 'request'],
    ['{nonsense', 'INVALID_JSON', 'body'],
    ['['.repeat(10_000), 'JSON_TOO_DEEP', 'body'],
  ]
  for (const [body, code, field] of cases) {
    const answer = await call(body)
    const { error } = answer.json<{ error: { code: string; field?: string; hint?: string } }>()
    assert.deepEqual([error.code, error.field], [code, field])
    assert.ok(error.hint)
    assert.equal(answer.headers?.get('Nats-Service-Error-Code'), '400')
    assert.ok(answer.headers?.get('Nats-Service-Error').startsWith(`${code}: `))
  }
})

test('a namespace that is no name reaches no use case', async (context) => {
  await start(context)
  let called = 0
  behaviour.get = () => called++
  for (const namespace of ['a~b', 'x'.repeat(65), '__proto__']) {
    const { error } = (await call('{"name":"x"}', { namespace })).json<{ error: { code: string; field: string } }>()
    assert.deepEqual([error.code, error.field], ['INVALID_NAME', 'namespace'])
  }
  assert.equal(called, 0)
})

test('a fault is answered as INTERNAL with 500, and logged', async (context) => {
  await start(context)
  behaviour.get = () => Promise.reject(new TypeError('undefined is not a function'))
  const answer = await call('{"name":"x"}')
  assert.equal(answer.json<{ error: { code: string } }>().error.code, 'INTERNAL')
  assert.equal(answer.headers?.get('Nats-Service-Error-Code'), '500')
  assert.ok(base.lines.some(({ evt, call: of }) => evt === 'call.failed' && of === 'jobs.get'))
})

test('calls are announced with name, version, description and schema', async (context) => {
  await start(context)
  for (const verb of ['PING', 'INFO', 'STATS']) {
    const answer = await base.broker.connection.request(`$SRV.${verb}.carillon-coordinator`, '', REQUEST_DEADLINE)
    const { name, version, id } = answer.json<{ name: string; version: string; id: string }>()
    assert.deepEqual([name, version, id.length > 0], ['carillon-coordinator', VERSION, true], verb)
  }
  const info = (await base.broker.connection.request('$SRV.INFO.carillon-coordinator', '', REQUEST_DEADLINE)).json<{
    description: string
    endpoints: {
      name: string
      subject: string
      queue_group: string
      metadata: { description: string; request_schema: string; response_schema: string }
    }[]
  }>()
  assert.equal(info.description, 'Carillon coordinator')
  const [endpoint] = info.endpoints
  assert.deepEqual([endpoint?.name, endpoint?.subject, endpoint?.queue_group], ['jobs-get', 'carillon.*.api.jobs.get', 'carillon'])
  const { request_schema = '', response_schema = '' } = endpoint?.metadata ?? {}
  assert.deepEqual(JSON.parse(request_schema).required, ['name'])
  assert.ok(JSON.parse(response_schema).required.includes('createdAt'))
})

test('batches and signals come to their methods; a signal that cannot be read or handled is rejected', async (context) => {
  await start(context)
  const before = base.rejected.count
  await base.publisher.send({ subject: subjects.trigger('shop', 'report'), body: '{"day":1}' })
  for (const body of ['{"name":"report"}', '{nonsense', '"fail"'])
    base.broker.connection.publish(subjects.live('shop', 'job', 'report', 'changed'), body)
  await eventually('the batch', () => behaviour.batches.flat().length === 1)
  await eventually('the signals', () => behaviour.signals.length === 2 && base.rejected.count === before + 2)
  assert.deepEqual(behaviour.signals[0], { namespace: 'shop', tokens: ['job', 'report', 'changed'], body: { name: 'report' } })
})

test('what another service receives is heard, too; what cannot be read is for that one to reject', async (context) => {
  await start(context)
  const before = base.rejected.count
  for (const body of ['{nonsense', '{"running":1}']) base.broker.connection.publish(subjects.beat('shop', 'i-1'), body)
  await eventually('the second one', () => behaviour.overheard.length > 0)
  assert.deepEqual([behaviour.overheard, base.rejected.count], [[{ running: 1 }], before])
})

test('stop waits for the answers under way', async (context) => {
  const service = await start(context)
  let release: () => void = () => undefined
  let asked = false
  behaviour.get = () => {
    asked = true
    return new Promise((resolve) => {
      release = () => resolve({ done: true })
    })
  }
  const answer = call('{"name":"x"}')
  await eventually('it is asked', () => asked)
  let stopped = false
  const stopping = service.stop().then(() => {
    stopped = true
  })
  await base.broker.connection.flush()
  assert.equal(stopped, false)
  release()
  await stopping
  assert.deepEqual((await answer).json(), { done: true })
  await assert.rejects(call('{"name":"x"}'), /no responders/i)
})

test('a small call that arrives behind large ones is served while the first of them is', async (context) => {
  await start(context)
  const order: string[] = []
  let release: () => void = () => undefined
  const smallIsServed = new Promise<void>((resolve) => (release = resolve))
  behaviour.get = async ({ bytes }) => {
    order.push(bytes > 1_000 ? 'large' : 'small')
    if (bytes > 1_000) await smallIsServed
    else release()
    return {}
  }
  const small = '{"name":"x"}'
  await Promise.all([...Array.from({ length: 4 }, () => call(small.padEnd(200_000))), call(small)])
  // Before the first one, if it arrives while that waits for its turn of the event loop.
  assert.ok(order.indexOf('small') <= 1, order.join())
  assert.equal(order.length, 5)
})
