import assert from 'node:assert/strict'
import { test } from 'node:test'
import { STREAMS } from '@carillon/contracts'
import { systemClock } from '@carillon/runtime'
import { eventually } from '@carillon/runtime/testing'
import type { Store } from '@carillon/store'
import { aJob } from '@carillon/store/testing'
import { startGateway } from '../start-gateway.ts'
import { ruleWith } from './testing/alert-facts.ts'
import { SETTINGS } from './testing/gateway-settings.ts'
import { type Received, startReceiver } from './testing/receiver.ts'
import { endLeases, refusalsAreStored, SECRET, sendsAreStored, startTestGateways } from './testing/test-gateways.ts'

const HOUR_MS = 3_600_000

/** A store that can be away: then everything that is asked of it fails. */
function breakable(store: Store) {
  const state = { isAway: false, calls: new Map<string, number>() }
  const wrapped = <Part extends object>(part: Part, path: string): Part =>
    new Proxy(part, {
      get(target, name) {
        const value = Reflect.get(target, name)
        if (typeof value === 'object' && value !== null) return wrapped(value, `${path}${String(name)}.`)
        if (typeof value !== 'function') return value
        return (...args: unknown[]) => {
          const call = `${path}${String(name)}`
          state.calls.set(call, (state.calls.get(call) ?? 0) + 1)
          if (state.isAway) return Promise.reject(new Error('the store is away'))
          return value.apply(target, args)
        }
      },
    })
  return { state, store: wrapped(store, '') }
}

test('10,000 failures in a second are one incident and one message, in bounded memory', async (t) => {
  const gateways = await startTestGateways(t, 2)
  await gateways.watch({ scene: 'run-failed' })
  await gateways.call('alertRulesPut', { name: 'often', scene: 'run-failed', threshold: 100, channels: ['ops'] })
  const before = process.memoryUsage().heapUsed
  for (let n = 0; n < 10_000; n++) gateways.announce(n, 'failed')
  const counted = async () => {
    const { items } = await gateways.call('incidentsList', {})
    return items.length === 2 && items[0]?.count === 10_000 && items[1]?.count === 10_000 ? items : undefined
  }
  const [incident] = await eventually('all are counted', counted)
  assert.deepEqual([incident?.examples.length, incident?.more], [10, 9_990])
  await eventually('both are sent', () => gateways.receiver.received.length === 2)
  const [stored] = await gateways.store.incidents.get([incident?.id ?? ''])
  assert.ok(JSON.stringify(stored).length < 40_000, 'what is remembered is bounded')
  assert.ok(process.memoryUsage().heapUsed - before < 150_000_000)
})

test('a channel that hangs holds up no other one, and what waits for it is sent when it answers again', async (t) => {
  const gateways = await startTestGateways(t, 1)
  const hanging = await startReceiver()
  t.after(() => hanging.close())
  hanging.isSilent = true
  const target = (url: string) => ({ kind: 'webhook' as const, url, secrets: [SECRET] })
  await gateways.call('alertChannelsPut', { name: 'hangs', target: target(hanging.url) })
  await gateways.watch({ scene: 'run-failed', channels: ['hangs', 'ops'] })
  const JOBS = 120
  await gateways.jobs(Array.from({ length: JOBS }, (_, n) => `job-${n}`))
  for (let n = 0; n < JOBS; n++) gateways.announce(n, 'failed', `job-${n}`)
  await eventually('the others are sent', () => gateways.receiver.received.length === JOBS)
  assert.ok(hanging.received.length <= 5, 'one after another')
  hanging.isSilent = false
  const repaired = await gateways.call('alertChannelsPut', { name: 'hangs', target: target(hanging.url) })
  assert.equal(repaired.disabled, undefined)
  await eventually('all are sent', () => new Set(hanging.received.map(({ headers }) => headers['webhook-id'])).size === JOBS)
})

test('what waits for a channel is given up with a reason when its rule or the channel is removed', async (t) => {
  const gateways = await startTestGateways(t, 1)
  const { receiver } = gateways
  receiver.answers = () => ({ status: 500, body: 'no' })
  await gateways.watch({ scene: 'run-failed' })
  await gateways.jobs(['one', 'two'])
  gateways.announce(1, 'failed', 'one')
  const incident = async () => {
    const [{ id } = { id: '' }] = (await gateways.call('incidentsList', {})).items
    return gateways.call('incidentsGet', { id })
  }
  await eventually('it was tried', () => receiver.received.length > 0)
  const failed = await eventually('the reason is shown', async () =>
    (await incident()).deliveries?.find(({ answer }) => answer !== undefined),
  )
  assert.deepEqual([failed.state, failed.answer], ['waiting', '500 no'])
  const { last } = await gateways.call('alertChannelsGet', { name: 'ops' })
  assert.deepEqual([last?.delivered, last?.answer], [false, '500 no'])
  await gateways.call('alertRulesRemove', { name: 'run-failed' })
  await endLeases(gateways.store)
  const refused = await eventually('it is given up', async () => (await incident()).deliveries?.find(({ state }) => state === 'refused'))
  assert.equal(refused.answer, 'its rule was removed')
  assert.equal(
    (await eventually('it is over', async () => ((await incident()).state === 'recovered' ? incident() : undefined))).recovery,
    'its rule was removed',
  )
  assert.equal(gateways.byId().size, 1, 'silently')

  await gateways.watch({ scene: 'run-failed' })
  gateways.announce(2, 'failed', 'two')
  await eventually('it was tried', () => gateways.byId().size === 2)
  await refusalsAreStored(gateways.store)
  await gateways.call('alertRulesPut', { name: 'run-failed', scene: 'run-failed', channels: [] })
  await gateways.call('alertChannelsRemove', { name: 'ops' })
  await endLeases(gateways.store)
  const without = await eventually('it is given up', async () => (await incident()).deliveries?.find(({ state }) => state === 'refused'))
  assert.equal(without.answer, 'the channel was removed')
})

test('a store that is away, and a broker that has lost everything: what was counted is sent, once', async (t) => {
  let away = { isAway: false }
  const gateways = await startTestGateways(t, 2, {
    wrapStore: (store) => {
      const wrapped = breakable(store)
      away = wrapped.state
      return wrapped.store
    },
  })
  const { receiver, broker } = gateways
  const taken: string[] = []
  const take = ({ headers }: Received) => {
    taken.push(String(headers['webhook-id']))
    return { status: 200 }
  }
  receiver.answers = take
  await gateways.watch({ scene: 'run-failed' })
  await gateways.jobs(['before', 'meanwhile', 'waits', 'after'])
  gateways.announce(1, 'failed', 'before')
  await eventually('it is sent', () => taken.length === 1)
  await sendsAreStored(gateways.store)
  away.isAway = true
  gateways.announce(2, 'failed', 'meanwhile')
  // The loops go through it several times.
  await eventually('calls fail', () =>
    gateways.call('incidentsList', {}).then(
      () => false,
      () => true,
    ),
  )
  away.isAway = false
  await eventually('what came meanwhile is sent', () => taken.length === 2)

  receiver.answers = () => ({ status: 503 })
  gateways.announce(3, 'failed', 'waits')
  await eventually('it was tried', () => receiver.received.length === 3)
  await refusalsAreStored(gateways.store)
  await broker.server.kill()
  await broker.server.restart({ wipe: true })
  receiver.answers = take
  await endLeases(gateways.store)
  await eventually('it is sent', () => taken.length === 3)
  await eventually('the stream is there again', () =>
    broker.manager.consumers.info(STREAMS.EVENTS.name, 'alerts').then(
      () => true,
      () => false,
    ),
  )
  gateways.announce(4, 'failed', 'after')
  await eventually('alerts go on', () => taken.length === 4)
  const messages = [...gateways.byId().values()]
  assert.deepEqual(
    messages.map(([first]) => first?.summary),
    ['job before failed once', 'job meanwhile failed once', 'job waits failed once', 'job after failed once'],
  )
  assert.equal(new Set(taken).size, 4, 'each is taken once')
  // While the broker is away it may be refused again.
  assert.deepEqual(
    messages.map((all) => Math.min(all.length, 2)),
    [1, 1, 2, 1],
  )
})

test('a gateway whose clock is an hour ahead raises no alarm, and what such a clock has planned is brought back', async (t) => {
  const gateways = await startTestGateways(t, 0)
  const { store, receiver, broker } = gateways
  for (const [name, inMs] of [
    ['hourly', HOUR_MS / 2],
    ['nightly', -10_000],
  ] as const)
    await store.jobs.insert(aJob(name, { wakeAt: Date.now() + inMs, nextSlotAt: Date.now() + inMs }))
  const rule = ruleWith({ scene: 'missing', graceMs: 1_000, jobs: ['hourly', 'nightly'], channels: ['ops'] })
  await store.alertRules.insert([{ ...rule, id: 'default/missing', name: 'missing', wakeAt: Date.now() + 24 * HOUR_MS }])
  const clock = { ...systemClock, now: () => systemClock.now() + HOUR_MS }
  const gateway = await startGateway({ nats: { servers: broker.server.url }, log: broker.log, clock, store, ...SETTINGS })
  broker.after(() => gateway.stop())
  await gateways.call('alertChannelsPut', { name: 'ops', target: { kind: 'webhook', url: receiver.url, secrets: [SECRET] } })
  await eventually('it is compared, once its time is brought back', () => receiver.received.length === 1)
  const { items } = await gateways.call('incidentsList', {})
  assert.deepEqual(
    items.map(({ cause }) => cause.name),
    ['nightly'],
  )
  assert.ok(Date.parse(items[0]?.openedAt ?? '') < Date.now() + 5_000)
})

test('1,000 rules: what they are about is read once for each namespace, and the last of them is compared in time', async (t) => {
  let calls = new Map<string, number>()
  const gateways = await startTestGateways(t, 1, {
    wrapStore: (store) => {
      const wrapped = breakable(store)
      calls = wrapped.state.calls
      return wrapped.store
    },
  })
  const { store, receiver } = gateways
  await gateways.watch({ scene: 'run-failed' })
  const scenes = ['late', 'missing', 'queue-too-old', 'no-instance', 'approval-waits'] as const
  for (let space = 0; space < 5; space++)
    await store.alertRules.insert(
      Array.from({ length: 200 }, (_, n) => {
        const namespace = space === 0 ? 'default' : `space-${space}`
        const name = `rule-${n}`
        return {
          ...ruleWith({ scene: scenes[n % scenes.length] as 'late', graceMs: 1_000, channels: ['ops'] }),
          id: `${namespace}/${name}`,
          namespace,
          name,
          wakeAt: Date.now(),
        }
      }),
    )
  await store.jobs.insert(aJob('nightly', { wakeAt: Date.now() - 10_000, nextSlotAt: Date.now() - 10_000 }))
  const began = new Map(calls)
  await eventually('each rule about it has sent', () => receiver.received.length >= 40)
  const made = (name: string) => (calls.get(name) ?? 0) - (began.get(name) ?? 0)
  const claims = made('alertRules.replace')
  assert.ok(claims >= 200, `compared: ${claims}`)
  assert.ok(made('runs.list') <= claims / 8, `lists: ${made('runs.list')} for ${claims} comparisons`)
  assert.ok(made('jobs.due') <= claims / 20, `overdue: ${made('jobs.due')} for ${claims} comparisons`)
  assert.equal(gateways.byId().size, receiver.received.length, 'each once')
})
