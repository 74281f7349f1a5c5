import assert from 'node:assert/strict'
import { after, before, type TestContext, test } from 'node:test'
import { type AuditEntry, auditEventSchema, CALLS, type Call, CarillonError, HEADERS } from '@carillon/contracts'
import { systemClock } from '@carillon/wire/internal'
import { REQUEST_DEADLINE } from '@carillon/wire/testing'
import { headers } from '@nats-io/transport-node'
import { eventually, startTestBroker, type TestBroker } from '../testing/index.ts'
import { ApiService } from './api-service.ts'
import { AuditTrail } from './audit-trail.ts'
import type { Request } from './request.ts'

let base: TestBroker
after(() => base.stop())
before(async () => {
  base = await startTestBroker(['EVENTS'])
})

/** A service with jobs in a map, and what it publishes. */
async function start(context: TestContext): Promise<{ entries: AuditEntry[]; messages: string[] }> {
  const { broker, publisher, log } = base
  const { connection } = broker
  const jobs = new Map<string, object>()
  const put = async ({ input }: Request) => {
    const { name, timeoutMs } = input as { name: string; timeoutMs?: number }
    if (name === 'bad') throw new CarillonError('INVALID_CRON', 'never fires')
    jobs.set(name, { ...(input as object), timeoutMs: timeoutMs ?? 1_000, updatedAt: String(jobs.size) })
    return jobs.get(name)
  }
  const get = async ({ input }: Request) => {
    const job = jobs.get((input as { name: string }).name)
    if (job === undefined) throw new CarillonError('JOB_NOT_FOUND', 'there is no job')
    return job
  }
  const handlers = new Map<Call, (request: Request) => Promise<unknown>>([
    [CALLS.jobsPut, put],
    [CALLS.jobsGet, get],
    [CALLS.runsCancel, async () => ({})],
    [CALLS.runsStart, async () => ({ runs: [] })],
  ])
  const api = new ApiService({ connection, log, clock: systemClock, trail: new AuditTrail({ publisher, log }) })
  const [entries, messages]: [AuditEntry[], string[]] = [[], []]
  const subscription = connection.subscribe('carillon.shop.event.>', {
    callback: (_error, message) => {
      messages.push(message.subject)
      entries.push(...auditEventSchema.parse(message.json()).entries)
    },
  })
  await api.listen('coordinator', handlers)
  await connection.flush()
  context.after(async () => {
    subscription.unsubscribe()
    await api.stop()
  })
  return { entries, messages }
}

function call(path: string, input: object, headersGiven: Readonly<Record<string, string>> = {}): Promise<unknown> {
  const head = headers()
  for (const [name, value] of Object.entries(headersGiven)) head.set(name, value)
  return base.broker.connection.request(`carillon.shop.api.${path}`, JSON.stringify(input), { ...REQUEST_DEADLINE, headers: head })
}

test('a change leaves who made it, what was requested, and the fields before and after', async (context) => {
  const { entries, messages } = await start(context)
  const origin = { account: 'user/u1', address: '10.0.0.9', requestId: 'r-1' }
  await call('jobs.put', { name: 'a', payload: { card: 1 } }, { [HEADERS.by]: 'ada', [HEADERS.account]: JSON.stringify(origin) })
  await call('jobs.put', { name: 'a', timeoutMs: 5, payload: { card: 1 } }, { [HEADERS.by]: 'nats-cli' })
  await eventually('the entries', () => entries.length === 2)
  const [created, changed] = entries
  const { id, at, ...rest } = created as AuditEntry
  assert.ok(id && at)
  assert.deepEqual(rest, {
    ...{ action: 'jobs.put', by: 'ada', via: 'http', ...origin, resource: 'a', input: { name: 'a' }, outcome: 'done' },
    changes: [
      { field: 'name', to: 'a' },
      { field: 'payload.card', hidden: true },
      { field: 'timeoutMs', to: 1_000 },
    ],
  })
  assert.deepEqual([changed?.by, changed?.via, changed?.account], ['nats-cli', 'nats', undefined])
  assert.deepEqual(changed?.changes, [{ field: 'timeoutMs', from: 1_000, to: 5 }])
  assert.equal(messages[0], 'carillon.shop.event.audit.jobs.put')
})

test('a refusal is kept with its code; what has changed nothing, reads or starts is not', async (context) => {
  const { entries } = await start(context)
  await call('jobs.put', { name: 'bad' })
  await call('jobs.put', { name: 'same' })
  await call('jobs.put', { name: 'same' })
  await call('jobs.get', { name: 'same' })
  await call('runs.start', { runs: [] })
  await call('runs.cancel', { runId: 'run0aaaaaaaaaaaa' })
  await eventually('the entries', () => entries.some(({ action }) => action === 'runs.cancel'))
  assert.deepEqual(
    entries.map(({ action, resource, outcome }) => [action, resource, outcome]),
    [
      ['jobs.put', 'bad', 'INVALID_CRON'],
      ['jobs.put', 'same', 'done'],
      ['runs.cancel', 'run0aaaaaaaaaaaa', 'done'],
    ],
  )
})

test('the changes of one turn travel in few messages', async (context) => {
  const { entries, messages } = await start(context)
  const trail = new AuditTrail(base)
  const entry = { at: new Date(0).toISOString(), action: 'runs.cancel', via: 'nats', input: {}, outcome: 'done' } as const
  for (let i = 0; i < 120; i++) trail.record('shop', { id: `e${i}`, ...entry })
  await eventually('the entries', () => entries.length === 120)
  assert.equal(messages.length, 3)
  assert.equal(new Set(entries.map(({ id }) => id)).size, 120)
})

test('an account that no gateway has written is refused', async (context) => {
  await start(context)
  const answer = (await call('jobs.get', { name: 'a' }, { [HEADERS.account]: 'root' })) as { json(): { error: { code: string } } }
  assert.equal(answer.json().error.code, 'INVALID_HEADER')
})
