import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type CALLS, type CallInput, CarillonError, parseInput, type Workflow, workflowSchema } from '@carillon/contracts'
import { createTestCoordinator, type TestCoordinator } from '../../testing/test-coordinator.ts'
import { turns, WorkflowRun } from '../../testing/workflow-runs.ts'

type Given = NonNullable<CallInput<typeof CALLS.jobsPut>['workflow']>
type Request = Extract<Given['nodes'][number], { http: unknown }>['http']

const callOf = (http: Request): Workflow => parseInput(workflowSchema, { nodes: [{ id: 'call', http }] })
const bodies = ({ fake }: TestCoordinator) => fake.publishedTo('work.') as { handler: string; payload: unknown; timeoutMs?: number }[]

test('a node is a task of handler http: its URL, headers and body are what its expressions give, secrets go by name', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const { fake } = coordinator
  const headers = {
    accept: 'application/json',
    'x-id': { value: 'string(payload.id)' },
    authorization: { secret: 'API_TOKEN', prefix: 'Bearer ' },
  }
  const request: Request = {
    ...{ url: "'https://example.org/orders/' + nodes.a.result.path", method: 'POST', headers },
    ...{ body: "{'id': payload.id, 'by': context.who}", expect: { status: [200, '2xx'] }, redirects: 0 },
  }
  const nodes: Given['nodes'] = [
    { id: 'a', handler: 'h' },
    { id: 'call', http: request, after: 'a', attempts: 3, timeoutMs: 5_000 },
    { id: 'b', handler: 'h', after: 'call', payload: 'nodes.call.result.body.state' },
  ]
  const run = await WorkflowRun.start(coordinator, { nodes }, { id: 7 })
  await run.ends('a', { result: { path: 'seven' }, context: { who: 'ada' } })
  assert.equal(await run.states(), 'a:succeeded call:queued')
  const [message] = fake.published.filter(({ subject }) => subject.startsWith('carillon.default.work.http.'))
  const { payload, handler, ...rest } = JSON.parse(message?.body ?? '{}') as Record<string, unknown>
  assert.equal(handler, 'http')
  assert.deepEqual(payload, {
    ...{
      url: 'https://example.org/orders/seven',
      method: 'POST',
      body: { id: 7, by: 'ada' },
      expect: { status: [200, '2xx'] },
      redirects: 0,
    },
    headers: { accept: 'application/json', 'x-id': '7', authorization: { secret: 'API_TOKEN', prefix: 'Bearer ' } },
    timeoutMs: 3_600_000,
  })
  assert.deepEqual([rest['timeoutMs'], (await run.task('call'))?.attempts], [5_000, 3])
  await run.ends('call', { result: { status: 200, headers: {}, body: { state: 'up' }, truncated: false, durationMs: 3 } })
  assert.equal(bodies(coordinator).at(-1)?.payload, 'up')
})

test('a request of which nothing says how long it may take has 30 seconds; that of the job counts, up to an hour', async (context) => {
  const coordinator = await createTestCoordinator(context)
  await WorkflowRun.start(coordinator, callOf({ url: 'https://example.org' }))
  assert.equal(bodies(coordinator).at(-1)?.timeoutMs, 30_000)
  for (const [timeoutMs, expected] of [
    [60_000, 60_000],
    [7_200_000, 3_600_000],
  ]) {
    await coordinator.changeJobs.put('default', { name: 'slow', timeoutMs, workflow: callOf({ url: 'https://example.org' }) })
    const request = { namespace: 'default', bytes: 10, trigger: 'call', traceparent: undefined } as const
    await coordinator.startRuns.execute([{ ...request, request: { job: 'slow', payload: 1 } }])
    await turns()
    assert.equal(bodies(coordinator).at(-1)?.timeoutMs, expected)
  }
})

test('expressions that give no request fail the node before it is sent, and name the field', async (context) => {
  for (const [http, name, message] of [
    [{ url: "'ftp://' + payload.host" }, 'INVALID_REQUEST', /^url is wrong: "ftp:\/\/example.org"/],
    [{ url: 'payload.n' }, 'INVALID_REQUEST', /^url is wrong: 5/],
    [{ url: "'https://u:p@' + payload.host" }, 'INVALID_REQUEST', /^url is wrong/],
    [{ url: 'payload.missing' }, 'EXPRESSION_FAILED', /no such key: missing/],
    [{ url: 'https://example.org', headers: { a: { value: "'x\\r\\nb: y'" } } }, 'INVALID_REQUEST', /^headers\.a is wrong/],
    [{ url: 'https://example.org', headers: { a: { value: 'payload.n' } } }, 'INVALID_REQUEST', /^headers\.a is wrong: 5/],
  ] as const) {
    const coordinator = await createTestCoordinator(context)
    const run = await WorkflowRun.start(coordinator, callOf(http), { host: 'example.org', n: 5 })
    const { state, reason, error } = (await run.task('call')) ?? {}
    assert.deepEqual([state, reason, error?.name], ['failed', 'not-startable', name])
    assert.match(error?.message ?? '', message)
    assert.equal(bodies(coordinator).length, 0)
  }
})

test('what is wrong with a request is refused when the workflow is put, all of it', async (context) => {
  const { changeJobs } = await createTestCoordinator(context)
  const problemsOf = async (http: Request) => {
    const put = changeJobs.put('default', { name: 'x', workflow: callOf(http) })
    const error = CarillonError.from(
      await put.then(
        () => assert.fail('it was stored'),
        (thrown: unknown) => thrown,
      ),
    )
    return (error.details.problems ?? []).map(({ field, hint }) => [field, hint] as const)
  }
  const url = 'https://example.org'
  for (const [http, field, hint] of [
    [{ url: 'example.org/orders' }, 'workflow.nodes.0.http.url', /A URL as it is begins with https:\/\/ or http:\/\//],
    [{ url: "'https://example.org/' + nodes.zzz.result" }, 'workflow.nodes.0.http.url', /call/],
    [{ url, method: 'POST', body: '{"id": payload.id' }, 'workflow.nodes.0.http.body', /./],
    [{ url, headers: { a: { value: 'payload.' } } }, 'workflow.nodes.0.http.headers.a.value', /./],
  ] as const) {
    const [problem, ...more] = await problemsOf(http)
    assert.deepEqual([problem?.[0], more.length], [field, 0])
    assert.match(problem?.[1] ?? '', hint)
  }
  assert.deepEqual((await problemsOf({ url, body: 'payload.', headers: { a: { value: 'x' } }, method: 'PUT' })).length, 2)
})

test('a node waits where no instance sends requests, and both put and why say what starts one', async (context) => {
  const coordinator = await createTestCoordinator(context)
  const { changeJobs, readRuns, presence } = coordinator
  const { warnings } = await changeJobs.put('default', { name: 'x', workflow: callOf({ url: 'https://example.org' }) })
  assert.match(warnings?.[0] ?? '', /no instance offers http now.* To offer what is built in: carillon executor --http\./)
  const run = await WorkflowRun.start(coordinator, callOf({ url: 'https://example.org' }))
  const [task] = (await readRuns.tasks('default', { runId: run.id, limit: 10 })).items
  assert.deepEqual([task?.state, task?.reason], ['queued', 'no-instance'])
  const { why } = await readRuns.why('default', run.id)
  assert.match(why, /^node call waits: no instance offers handler `http`; .* To offer the built-in one: carillon executor --http/)
  presence.alive.set('http', ['i-1'])
  assert.match((await readRuns.why('default', run.id)).why, /^node call waits: for a free slot/)
})

test('what a request has done is undone with the request and its response; one that timed out, where it is unknown', async (context) => {
  const http: Request = { url: 'https://example.org/charges', method: 'POST', body: 'payload' }
  const nodes: Given['nodes'] = [
    { id: 'call', http, compensate: { handler: 'refund', unknown: true } },
    { id: 'ship', handler: 'ship', after: 'call' },
  ]
  const coordinator = await createTestCoordinator(context)
  const run = await WorkflowRun.start(coordinator, { nodes }, { id: 7 })
  await run.ends('call', { result: { status: 201 } })
  await run.ends('ship', { outcome: 'failed', error: { name: 'Error', message: 'no ship' } })
  const { handler, payload } = bodies(coordinator).at(-1) ?? {}
  assert.equal(handler, 'refund')
  assert.deepEqual(payload, {
    node: 'call',
    outcome: 'succeeded',
    payload: { ...http, body: { id: 7 }, timeoutMs: 3_600_000 },
    result: { status: 201 },
  })

  const other = await createTestCoordinator(context)
  const late = await WorkflowRun.start(other, { nodes }, { id: 7 })
  await late.ends('call', { outcome: 'timed_out' })
  assert.deepEqual(
    [bodies(other).at(-1)?.handler, (bodies(other).at(-1)?.payload as { outcome: string } | undefined)?.outcome],
    ['refund', 'unknown'],
  )
})
