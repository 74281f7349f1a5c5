/** A namespace with everything in it, and someone of another one, or without the right to see payloads, who wants it. */
import { CALLS, type CallName, HTTP_ROUTES } from '@carillon/contracts'
import type { Client, Deferred } from '@carillon/sdk'
import { eventually } from '@carillon/wire/testing'
import type { Cleanup } from './cleanup.ts'
import { freshNamespace, type TestMesh } from './mesh.ts'

/** In payloads, results, errors and lines of the victim, and nowhere else. */
export const SECRET = 'the-4111-secret'

const WEBHOOK_SECRET = `whsec_${Buffer.alloc(32, 5).toString('base64')}`

export interface Victim {
  readonly namespace: string
  readonly client: Client
  /** By the names of the fields of paths. */
  readonly failed: string
  readonly waiting: string
  readonly letter: string
  readonly incident: string
  readonly instance: string
}

/** Fills a namespace with a thing of each kind. */
export async function startVictim(mesh: TestMesh, cleanup: Cleanup): Promise<Victim> {
  const namespace = freshNamespace()
  const shop = await mesh.connect({ namespace, outbox: { folder: cleanup.folder() } })
  const { client } = shop
  shop.handle('bad', async (ctx) => {
    ctx.log.error(`line ${SECRET}`, { of: SECRET })
    await ctx.progress(10, SECRET)
    await ctx.step('first', () => ({ step: SECRET }))
    throw Object.assign(new Error(`error ${SECRET}`), { code: SECRET })
  })
  shop.handle('good', () => ({ result: SECRET }))
  shop.handle('echo', ({ payload }) => payload)
  const charge = shop.retryable(
    { scene: 'charge', strategy: 'remote', attempts: 1, backoff: { type: 'fixed', delayMs: 1 } },
    (card: string) => {
      throw new TypeError(`no money on ${card}`)
    },
  )
  await shop.start()
  const target = { kind: 'webhook' as const, url: `https://example.com/${SECRET}`, secrets: [WEBHOOK_SECRET] }
  await client.call(CALLS.alertChannelsPut, { name: 'hidden', enabled: false, target })
  await client.call(CALLS.alertRulesPut, { name: 'hidden', scene: 'run-failed', channels: ['hidden'] })
  await client.calendars.put({ name: 'hidden', days: ['2040-12-25', '2041-12-25'] })
  for (const payload of [{ card: SECRET }, { card: `${SECRET}-2` }])
    await client.jobs.put({ name: 'hidden', handler: 'bad', payload, schedule: { cron: '0 0 1 1 *', timezone: 'UTC' } })
  await client.jobs.put({
    name: 'flow',
    workflow: {
      nodes: [
        { id: 'good', handler: 'good', payload: `{'a': payload.a, 'b': '${SECRET}'}` },
        { id: 'sign', wait: { approval: {} }, after: 'good' },
        { id: 'later', handler: 'good', after: 'sign' },
      ],
    },
  })
  const failed = await client.run('hidden')
  const waiting = await client.run('flow', { a: SECRET })
  await client.call(CALLS.runsSignal, { runId: waiting.id, name: 'other', payload: { of: SECRET } })
  const { deferred } = (await charge(SECRET)) as Deferred
  await failed.result().catch(() => undefined)
  await eventually('the workflow waits', async () => (await client.runs.tree(waiting.id)).nodes?.[1]?.state === 'delayed')
  await eventually('the dead letter', async () => (await client.call(CALLS.deadLettersList, {})).items.length === 1)
  const incident = await eventually('the incident', async () => (await client.call(CALLS.incidentsList, {})).items[0])
  await eventually('the lines', async () => (await client.call(CALLS.logsQuery, { runId: failed.id })).items.length > 0)
  const of = { failed: failed.id, waiting: waiting.id }
  return { namespace, client, ...of, letter: deferred, incident: incident.id, instance: shop.instance }
}

interface Attempt {
  readonly call: CallName
  readonly status: number
  readonly text: string
}

/** Bodies of calls that need one; of the others `{}` is right. */
function bodyOf(call: CallName, { failed, waiting, instance }: Victim): Record<string, unknown> {
  const caller = { attempt: 1, instance }
  const bodies: Partial<Record<CallName, Record<string, unknown>>> = {
    runsBulk: { action: 'retry', ids: [failed, waiting] },
    runsStart: { runs: [{ job: 'hidden' }] },
    runsMove: { to: 'good@v2' },
    runsSignal: { payload: null },
    runsPrune: { olderThanMs: 1 },
    jobsDeclare: { version: 1, handler: 'good' },
    jobsPreview: { name: 'hidden' },
    jobsBackfill: { from: '2020-01-01T00:00:00Z', to: '2022-01-01T00:00:00Z' },
    calendarsPut: { days: ['2030-01-01'] },
    alertRulesPut: { scene: 'run-failed' },
    alertChannelsPut: { target: { kind: 'webhook', url: 'https://example.com/', secrets: [WEBHOOK_SECRET] } },
    tasksClaim: { ...caller, session: 's', redelivered: false },
    tasksMap: { ...caller, call: 0, name: 'x', items: [1] },
    tasksRun: { ...caller, key: '#0', run: { handler: 'good', payload: 1 } },
    tasksStep: { ...caller, index: 0, name: 'first', outcome: { type: 'done', result: 1 } },
    tasksNext: { ...caller, delayMs: 1 },
    tasksData: { ...caller, data: { a: 1 } },
    instancesRegister: { session: 's', service: 'x', handlers: [{ name: 'good' }] },
    incidentsSnooze: { forMs: 60_000 },
  }
  return bodies[call] ?? {}
}

/** Sends every call, about each thing of the victim that its path can name. */
export async function tryEveryRoute(
  base: string,
  { victim, headers, only = () => true }: { victim: Victim; headers: Record<string, string>; only?: (call: CallName) => boolean },
): Promise<Attempt[]> {
  const { failed, waiting, letter, incident, instance } = victim
  const values: Readonly<Record<string, readonly string[]>> = {
    runId: [failed, waiting],
    taskId: [failed, waiting, `${waiting}-n00001`],
    name: ['hidden', 'flow'],
    job: ['hidden'],
    node: ['sign', 'good'],
    id: [letter, incident],
    instance: [instance],
  }
  const attempts: Attempt[] = []
  for (const call of Object.keys(HTTP_ROUTES) as CallName[]) {
    if (!only(call)) continue
    const { method, path } = HTTP_ROUTES[call]
    const fields = [...path.matchAll(/\{(\w+)\}/g)].map(([, field = '']) => field)
    const most = Math.max(1, ...fields.map((field) => values[field]?.length ?? 1))
    for (let i = 0; i < most; i++) {
      const filled = path.replaceAll(/\{(\w+)\}/g, (_, field: string) => values[field]?.[i % (values[field]?.length ?? 1)] ?? 'x')
      const init = method === 'GET' || method === 'DELETE' ? {} : { body: JSON.stringify(bodyOf(call, victim)) }
      const answered = await fetch(base + filled, { method, headers, ...init })
      attempts.push({ call, status: answered.status, text: await answered.text() })
    }
  }
  return attempts
}

/** What must be as it was, whatever was tried from elsewhere. */
export async function stateOf({ client, failed, waiting, letter, incident }: Victim): Promise<unknown> {
  const { items: instances } = await client.call(CALLS.instancesList, {})
  const { items: calendars } = await client.call(CALLS.calendarsList, {})
  const [rule, channel] = await Promise.all([
    client.call(CALLS.alertRulesGet, { name: 'hidden' }),
    client.call(CALLS.alertChannelsGet, { name: 'hidden' }),
  ])
  return {
    runs: (await client.call(CALLS.runsList, {})).items.map(({ runId, state, attempt }) => [runId, state, attempt]),
    signals: (await client.call(CALLS.runsSignals, { runId: waiting })).items.length,
    nodes: (await client.runs.tree(waiting)).nodes?.map(({ id, state, generation }) => [id, state, generation]),
    steps: (await client.call(CALLS.tasksJournal, { taskId: failed })).items.length,
    jobs: await Promise.all(['hidden', 'flow'].map(async (name) => (await client.jobs.get(name)).revision)),
    letter: (await client.call(CALLS.deadLettersGet, { id: letter })).redrivenAs ?? null,
    incident: (await client.call(CALLS.incidentsGet, { id: incident })).acknowledged ?? null,
    instances: instances.map(({ instance, cordoned }) => [instance, cordoned !== undefined]),
    calendars: calendars.map(({ name, revision }) => [name, revision]),
    alerts: [rule.scene, rule.channels, channel.address, channel.updatedAt],
  }
}
