/** What compiles, and what does not: each `@ts-expect-error` is a promise. `types.test.ts` compiles this file also as a user's, on other settings. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { z } from 'zod'
import { type CarillonError, type Client, defineHandler, type HttpResponse, workflow } from './index.ts'

const refund = defineHandler({ name: 'refund', input: z.object({ id: z.string() }), attempts: 3, timeoutMs: 5_000 })
const everywhere = defineHandler({ name: 'everywhere', mode: 'broadcast' })
const order = workflow('order', { input: z.object({ id: z.string(), total: z.number() }), attempts: 2, failFast: true })
  .node('reserve', { handler: 'reserve-stock' })
  .node('check', { decision: [{ when: 'payload.total > 1000', to: 'cool' }, { otherwise: ['charge'] }], after: 'reserve' })
  .node('cool', { wait: { durationMs: 1_000 } })
  .node('charge', { handler: 'charge-card', after: ['check', 'cool'], attempts: 5, onFailure: 'block' })
const done = order.node('refund', { handler: refund, after: 'charge', disabled: true }).done()

/** Is compiled, and not called. */
export async function callers(client: Client): Promise<void> {
  await client.workflows.put(done)
  await client.workflows.put(order)
  await client.workflows.put({ name: 'plain', workflow: { nodes: [{ id: 'a', handler: 'a' }] }, schedule: { everyMs: 60_000 } })
  // @ts-expect-error a kind of node that there is not
  await client.workflows.put({ name: 'plain', workflow: { nodes: [{ id: 'a', shell: 'a' }] } })
  // @ts-expect-error a job without a graph
  await client.workflows.put({ name: 'plain', handler: 'a' })
  ;(await client.workflows.validate(order)).warnings satisfies readonly string[]
  ;(await client.workflows.get('order')).workflow.nodes[0]?.id satisfies string | undefined
  for await (const { workflow: graph } of client.workflows.list()) graph.nodes.length satisfies number

  await client.run(done, { id: 'A1', total: 5 }, { key: 'A1' })
  await client.run('order', { anything: true })
  // @ts-expect-error a payload of another shape
  await client.run(done, { id: 'A1' })
  // @ts-expect-error a payload that is missing
  await client.run(done)
}

/** Is compiled, and not called. */
export function builders(): void {
  // @ts-expect-error a node that is not there
  order.node('tell', { handler: 'tell', after: 'chrage' })
  // @ts-expect-error one of several is not there
  order.node('tell', { handler: 'tell', after: ['charge', 'chrage'] })
  // @ts-expect-error a node that comes later: only branches lead forward
  workflow('x').node('a', { handler: 'a', after: 'b' }).node('b', { handler: 'b' })
  const forward = order.node('again', { decision: [{ otherwise: 'never' }], after: 'charge' })
  // @ts-expect-error a branch leads to a node that is not there
  forward.done()
  forward.node('never', { handler: 'never' }).done()
  // @ts-expect-error an option that there is not
  order.node('tell', { handler: 'tell', retries: 3 })
  // @ts-expect-error two kinds
  order.node('tell', { wait: { durationMs: 1 }, decision: [{ otherwise: 'charge' }] })
  // @ts-expect-error milliseconds are a number
  order.node('tell', { wait: { durationMs: '2d' } })
  // @ts-expect-error no kind at all
  order.node('tell', { after: 'charge' })
  // @ts-expect-error a method that there is not
  order.node('call', { http: { url: 'https://example.org', method: 'FETCH' } })
  // @ts-expect-error no URL
  order.node('call', { http: { method: 'PUT' } })
  // @ts-expect-error two kinds
  order.node('call', { http: { url: 'https://example.org' }, handler: 'http' })
  const { status, headers, body } = {} as HttpResponse
  ;[status satisfies number, headers satisfies Readonly<Record<string, string>>, body satisfies unknown]
  // @ts-expect-error an option of other jobs
  workflow('x', { shards: 3 })
  // @ts-expect-error a payload of another shape
  workflow('x', { input: z.object({ id: z.string() }), payload: { id: 5 } })
}

/** Is compiled, and not called. @throws while a branch leads nowhere */
export async function unfinished(client: Client): Promise<void> {
  const forward = order.node('again', { decision: [{ otherwise: 'never' }], after: 'charge' })
  // @ts-expect-error a branch leads to a node that is not there
  await client.workflows.put(forward)
}

const refusal = (build: () => unknown): Pick<CarillonError, 'code' | 'message' | 'details'> => {
  try {
    build()
  } catch (error) {
    return error as CarillonError
  }
  return assert.fail('it was accepted')
}

test('a workflow is a job with a graph; a definition brings the rules of its tasks along', () => {
  assert.deepEqual(JSON.parse(JSON.stringify(done.job)), {
    name: 'order',
    attempts: 2,
    workflow: {
      failFast: true,
      nodes: [
        { id: 'reserve', handler: 'reserve-stock' },
        { id: 'check', decision: [{ when: 'payload.total > 1000', to: 'cool' }, { otherwise: ['charge'] }], after: 'reserve' },
        { id: 'cool', wait: { durationMs: 1_000 } },
        { id: 'charge', handler: 'charge-card', after: ['check', 'cool'], attempts: 5, onFailure: 'block' },
        { id: 'refund', attempts: 3, timeoutMs: 5_000, handler: 'refund', after: 'charge', disabled: true },
      ],
    },
  })
})

test('durations as text are milliseconds', () => {
  const { job } = workflow('x', { timeout: '30s', runTimeout: '2d', deadline: '1h30m' })
    .node('a', { handler: 'a', timeout: '500ms' })
    .node('b', { wait: { duration: '2d' }, after: 'a' })
    .node('c', { wait: { approval: { by: ['operator'], timeout: '2d' } } })
    .node('d', { wait: { signal: 'paid', timeout: '1h' } })
    .done()
  assert.deepEqual(JSON.parse(JSON.stringify(job)), {
    ...{ name: 'x', timeoutMs: 30_000, runTimeoutMs: 172_800_000, deadlineMs: 5_400_000 },
    workflow: {
      nodes: [
        { id: 'a', handler: 'a', timeoutMs: 500 },
        { id: 'b', wait: { durationMs: 172_800_000 }, after: 'a' },
        { id: 'c', wait: { approval: { by: ['operator'], timeoutMs: 172_800_000 } } },
        { id: 'd', wait: { signal: 'paid', timeoutMs: 3_600_000 } },
      ],
    },
  })
  const undo = { handler: 'b', timeout: '2d', backoff: { type: 'exponential', delay: '1s', max: '10m' } } as const
  const { job: timed } = workflow('x', { schedule: { every: '10m' }, rate: { count: 5, period: '1m' } })
    .node('a', { handler: 'a', compensate: undo, backoff: { type: 'list', delays: ['1s', '1m'] } })
    .node('b', { foreach: 'payload', handler: 'b', timeout: '1m', compensate: { handler: refund, timeout: '1h' } })
    .done()
  assert.deepEqual(JSON.parse(JSON.stringify(timed)), {
    ...{ name: 'x', schedule: { everyMs: 600_000 }, rate: { count: 5, periodMs: 60_000 } },
    workflow: {
      nodes: [
        {
          ...{ id: 'a', handler: 'a', backoff: { type: 'list', delaysMs: [1_000, 60_000] } },
          compensate: { handler: 'b', timeoutMs: 172_800_000, backoff: { type: 'exponential', delayMs: 1_000, maxMs: 600_000 } },
        },
        { id: 'b', foreach: 'payload', handler: 'b', timeoutMs: 60_000, compensate: { handler: 'refund', timeoutMs: 3_600_000 } },
      ],
    },
  })
  for (const [build, field] of [
    [() => workflow('x', { timeout: 'soon' }), 'timeout'],
    [() => workflow('x', { rate: { count: 1, period: 'soon' } }), 'rate.period'],
    [() => workflow('x').node('a', { handler: 'a', compensate: { handler: 'b', timeout: 'soon' } }), 'nodes.a.compensate.timeout'],
    [() => workflow('x').node('a', { handler: 'a', backoff: { type: 'fixed', delay: 'soon' } }), 'nodes.a.backoff.delay'],
    [() => workflow('x').node('a', { handler: 'a', timeout: '5 parsecs' }), 'nodes.a.timeout'],
    [() => workflow('x').node('a', { wait: { duration: '11y' } }), 'nodes.a.wait.duration'],
    [() => workflow('x').node('a', { handler: 'a', timeout: '5s', timeoutMs: 5 }), 'nodes.a.timeout'],
    [() => workflow('x').node('a', { wait: { approval: { timeout: 'soon' } } }), 'nodes.a.wait.approval.timeout'],
  ] as const) {
    const { code, details } = refusal(build)
    assert.deepEqual([code, details.field], ['INVALID_DELAY', field])
  }
})

test('a request is stored as it is, with its limit in milliseconds; what is wrong with one is named', () => {
  const http = {
    url: 'https://example.org',
    method: 'PUT',
    headers: { a: { secret: 'A' }, b: { value: 'payload.b' } },
    body: 'payload',
  } as const
  const { job } = workflow('x').node('call', { http, timeout: '10s', attempts: 3, compensate: refund }).done()
  assert.deepEqual(JSON.parse(JSON.stringify(job.workflow)), {
    nodes: [{ id: 'call', http, timeoutMs: 10_000, attempts: 3, compensate: 'refund' }],
  })
  const url = 'https://example.org'
  for (const [request, more, field, hint] of [
    [{ url: 'https://' }, {}, 'http.url', /must be an http or https URL/],
    [{ url: 'https://u:p@example.org' }, {}, 'http.url', /has a login/],
    [{ url, body: 'payload' }, {}, 'http.body', /GET and HEAD have no body/],
    [{ url, method: 'get' }, {}, 'http.method', /"GET"/],
    [{ url, headers: { 'a b': 'x' } }, {}, 'http.headers.a b', /is no name of a header/],
    [{ url, headers: { Host: 'x' } }, {}, 'http.headers.Host', /is set by the executor itself/],
    [{ url, headers: { a: 'x\r\nb: y' } }, {}, 'http.headers.a', /must be text without line ends/],
    [{ url, headers: { a: { value: '' } } }, {}, 'http.headers.a.value', /Write an expression/],
    [{ url, expect: { status: 600 } }, {}, 'http.expect.status', /at most 599/],
    [{ url, redirects: 6 }, {}, 'http.redirects', /at most 5/],
    [{ url, timeoutMs: 5 }, {}, 'http.timeoutMs', /no such field/],
    [{ url }, { timeoutMs: 3_600_001 }, 'timeoutMs', /an hour at most/],
    [{ url }, { payload: 'payload' }, 'payload', /no such field/],
  ] as const) {
    const { details } = refusal(() =>
      workflow('x')
        .node('call', { http: request, ...more } as never)
        .done(),
    )
    assert.equal(details.field, `workflow.nodes.0.${field}`)
    assert.match(details.hint ?? '', hint)
  }
})

test('each call makes a new one: a beginning may be used twice', () => {
  const begin = workflow('x').node('a', { handler: 'a' })
  const [one, other] = [begin.node('b', { handler: 'b' }).done(), begin.node('c', { handler: 'c' }).done()]
  const ids = ({ job }: typeof one) => job.workflow?.nodes.map(({ id }) => id)
  assert.deepEqual(
    [ids(one), ids(other)],
    [
      ['a', 'b'],
      ['a', 'c'],
    ],
  )
})

test('a loop builds 1,000 nodes, whose names are checked when it is done', () => {
  let chain = workflow('chain').nodes([])
  for (let i = 0; i < 1_000; i++) chain = chain.node(`n${i}`, { handler: 'work', ...(i === 0 ? {} : { after: `n${i - 1}` }) })
  assert.equal(chain.done().job.workflow?.nodes.length, 1_000)
  const list = Array.from({ length: 1_000 }, (_, i) => ({ id: `n${i}`, handler: 'work' }))
  assert.equal(workflow('list').nodes(list).done().job.workflow?.nodes.length, 1_000)
  assert.match(refusal(() => chain.node('n1000', { handler: 'work' }).done()).details.hint ?? '', /1 to 1,000 nodes/)
  assert.equal(refusal(() => chain.node('n5', { handler: 'work', after: 'n6' }).nodes(list.slice(0, 1)).done()).code, 'INVALID_WORKFLOW')
})

test('all that is wrong is said at once, with its field', () => {
  const wrong = workflow('x').nodes([
    { id: 'a', handler: 'a', after: 'a' },
    { id: 'b', decision: [{ when: 'true', to: 'nowhere' }] },
    { id: 'c', handler: 'c', after: 'lost' },
  ])
  const { code, message, details } = refusal(() => wrong.done())
  assert.deepEqual([code, message], ['INVALID_WORKFLOW', 'workflow.nodes.1.decision.0.to is wrong: there is no such node and 3 more'])
  assert.deepEqual(
    details.problems?.map(({ field, value }) => [field, value]),
    [
      ['workflow.nodes.1.decision.0.to', 'nowhere'],
      ['workflow.nodes.1.decision', 'b'],
      ['workflow.nodes.2.after', 'lost'],
      ['workflow.nodes.0.after', 'a → a'],
    ],
  )
  const shapes = workflow('x').nodes([
    { id: 'a b', handler: 'a', attempts: 0 },
    { id: 'b', wait: { until: 'tomorrow' } },
    { id: 'c', decision: [{ when: 'x'.repeat(1_000_000), to: 'b' }] },
  ])
  assert.deepEqual(
    refusal(() => shapes.done()).details.problems?.map(({ field }) => field),
    ['workflow.nodes.0.id', 'workflow.nodes.0.attempts', 'workflow.nodes.1.wait.until', 'workflow.nodes.2.decision.0.when'],
  )
  assert.ok(JSON.stringify(refusal(() => shapes.done()).details).length < 5_000, 'a long value is shortened')
})

test('what callers without types get wrong is named', () => {
  assert.equal(refusal(() => workflow('a.b')).code, 'INVALID_NAME')
  assert.equal(refusal(() => workflow('a', 5 as never)).details.field, 'settings')
  assert.equal(refusal(() => workflow('a', { input: {} as never })).details.field, 'input')
  assert.equal(refusal(() => workflow('a').node('b', null as never)).details.field, 'node "b"')
  assert.equal(refusal(() => workflow('a').nodes('b' as never)).details.field, 'nodes')
  assert.equal(refusal(() => workflow('a').node('b', { handler: everywhere })).details.field, 'nodes.b.handler')
  assert.equal(refusal(() => workflow('a').done()).details.field, 'workflow.nodes')
})
