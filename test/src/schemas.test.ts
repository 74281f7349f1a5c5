/** The JSON Schemas of docs/schemas: valid by their own standard, and true of what a mesh really says. */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { after, before, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { CALLS, type Call, jsonSchemaOf, MESSAGES, type Message, parseSubject } from '@carillon/contracts'
import type { Mesh } from '@carillon/sdk'
import { eventually, REQUEST_DEADLINE } from '@carillon/wire/testing'
import type { Msg, NatsConnection } from '@nats-io/transport-node'
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'
import { z } from 'zod'
import { Cleanup } from './support/cleanup.ts'
import { freshNamespace, startMesh, type TestMesh } from './support/mesh.ts'
import { STORES } from './support/stores.ts'

const folder = (path: string) => fileURLToPath(new URL(`../../${path}/`, import.meta.url))
const read = (path: string) => JSON.parse(readFileSync(path, 'utf8'))
const SCHEMAS = folder('docs/schemas')
const FIXTURES = folder('contracts/fixtures/v1')
const STRICT = {
  strict: true,
  // Alternatives name fields that their object declares.
  strictRequired: false,
  allErrors: true,
  formats: { 'date-time': /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/ },
} as const
const ajv = new Ajv2020(STRICT)
/** Of files that people write, for their editors: no call and no message. */
const OF_FILES = ['workflow.json']
const files = readdirSync(SCHEMAS)
  .filter((file) => !OF_FILES.includes(file))
  .sort()
const validators = new Map(files.map((file) => [file.replace(/\.json$/, ''), ajv.compile(read(SCHEMAS + file))]))

/** What is answered and published must be described in whole: no field that the schema does not name. */
const CLOSED: ReadonlyMap<string, ValidateFunction> = new Map([
  ...Object.values(CALLS as Record<string, Call>).map(
    ({ noun, verb, answer }) => [`${noun}.${verb}.answer`, closed(jsonSchemaOf(answer, 'output'))] as const,
  ),
  ...Object.entries(MESSAGES as Record<string, Message>).map(
    ([name, { schema }]) => [name, closed(jsonSchemaOf(schema, 'output'))] as const,
  ),
])

function closed(schema: object): ValidateFunction {
  const close = (node: unknown): unknown => {
    if (Array.isArray(node)) return node.map(close)
    if (typeof node !== 'object' || node === null) return node
    const inner = Object.fromEntries(Object.entries(node).map(([key, value]) => [key, close(value)]))
    return 'properties' in inner && !('additionalProperties' in inner) ? { ...inner, additionalProperties: false } : inner
  }
  return ajv.compile(close(schema) as object)
}

function isTrue(name: string, value: unknown): void {
  for (const validate of [validators.get(name), CLOSED.get(name)]) {
    assert.ok(validate, `there is a schema ${name}`)
    assert.ok(validate(value), `${name}: ${ajv.errorsText(validate.errors)}\n${JSON.stringify(value)}`)
  }
}

test('every schema is valid by the meta-schema of draft 2020-12, and every call and message has one', () => {
  for (const file of files) {
    const schema = read(SCHEMAS + file)
    assert.equal(schema.$schema, 'https://json-schema.org/draft/2020-12/schema')
    assert.ok(ajv.validateSchema(schema), `${file}: ${ajv.errorsText()}`)
  }
  const calls = Object.values(CALLS).flatMap(({ noun, verb }) => [`${noun}.${verb}.request`, `${noun}.${verb}.answer`])
  assert.deepEqual([...validators.keys()].sort(), [...calls, ...Object.keys(MESSAGES)].sort())
})

test('every golden fixture is valid', () => {
  const schemaOf: readonly (readonly [prefix: string, schema: string])[] = [
    ...['event-run', 'event-message', 'event-audit', 'live-run', 'live-task'].map((prefix) => [prefix, prefix.replace('-', '.')] as const),
    ['event-dead-letter', 'event.deadLetter'],
    ...['work', 'assignment-answer', 'assignment', 'report', 'log', 'control', 'beat', 'hung', 'presence'].map(
      (prefix) => [prefix, prefix] as const,
    ),
    ...Object.entries({
      register: 'instances.register',
      claim: 'tasks.claim',
      map: 'tasks.map',
      start: 'jobs.run',
      job: 'jobs.put',
      calendar: 'calendars.put',
    }).map(([prefix, call]) => [prefix, `${call}.request`] as const),
  ]
  for (const file of readdirSync(FIXTURES)) {
    const [, name = ''] = schemaOf.find(([prefix]) => file.startsWith(prefix)) ?? assert.fail(file)
    const validate = validators.get(name)
    assert.ok(validate?.(read(FIXTURES + file)), `${file} as ${name}: ${ajv.errorsText(validate?.errors)}`)
  }
})

test('schemas refuse what services refuse', () => {
  const refused: [string, unknown][] = [
    ['jobs.run.request', {}],
    ['jobs.run.request', { job: 'a', handler: 'b' }],
    ['jobs.run.request', { job: 'a.b' }],
    ['jobs.run.request', { job: '__proto__' }],
    ['jobs.run.request', { job: 'a', delayMs: 1.5 }],
    ['jobs.run.request', { job: 'a', colour: 1 }],
    ['instances.register.request', { instance: 'a', service: 'b', handlers: [], colour: 1 }],
    ['calendars.put.request', { name: 'a' }],
    ['calendars.put.request', { name: 'a', days: ['2026-12-25'], ics: 'BEGIN:VCALENDAR' }],
    ['calendars.put.request', { name: 'a', days: ['25.12.2026'] }],
    ['tasks.map.request', { taskId: 'a', attempt: 1, instance: 'i', call: 0, name: 'root', items: [1] }],
    ['tasks.step.request', { taskId: 'a', attempt: 1, instance: 'i', index: 0, name: 's', outcome: { type: 'sleeping' } }],
  ]
  for (const [name, value] of refused) assert.equal(validators.get(name)?.(value), false, `${name} ${JSON.stringify(value)}`)
})

// Every call of a mesh at work, and everything that it publishes meanwhile.
for (const store of STORES)
  describe(`a mesh says what the schemas say, ${store.name}`, { skip: store.skip }, () => {
    const cleanup = new Cleanup({ after })
    const namespace = freshNamespace()
    const asked = new Set<string>()
    const heard = new Set<string>()
    const wrong: unknown[] = []
    let mesh: TestMesh
    let nats: NatsConnection
    let executor: Mesh

    before(async () => {
      mesh = await startMesh(cleanup, { store })
      nats = await mesh.nats()
      nats.subscribe(`carillon.${namespace}.>`, { callback: (_error, message) => hear(message) })
      executor = await mesh.connect({ namespace, service: 'worker', labels: { region: 'eu' } })
    })

    function hear(message: Msg): void {
      const { class: kind = '', rest = [] } = parseSubject(message.subject) ?? {}
      if (['api', 'session', 'trigger', 'signal'].includes(kind)) return
      try {
        const body = message.json()
        const ofInstance = Array.isArray(body) ? 'assignment' : 'work'
        const name = ['event', 'live'].includes(kind) ? `${kind}.${rest[0]}` : kind === 'direct' ? ofInstance : kind
        isTrue(name, body)
        heard.add(name)
      } catch (error) {
        wrong.push(error)
      }
    }

    // biome-ignore lint/suspicious/noExplicitAny: a test reads what it knows to be there
    async function send(path: string, input: unknown): Promise<any> {
      const answer = (await nats.request(`carillon.${namespace}.api.${path}`, JSON.stringify(input), REQUEST_DEADLINE)).json<object>()
      isTrue('error' in answer ? 'refusal' : `${path}.answer`, answer)
      return answer
    }
    async function ask(path: string, input: unknown = {}) {
      assert.ok(validators.get(`${path}.request`)?.(input), `${path}, asked with what its schema refuses: ${JSON.stringify(input)}`)
      const answer = await send(path, input)
      assert.ok(!('error' in answer), `${path}: ${JSON.stringify(answer)}`)
      asked.add(path)
      return answer
    }
    async function isRefused(path: string, input: unknown, code: string) {
      const { error } = await send(path, input)
      assert.equal(error?.code, code)
    }
    const ended = (runId: string) =>
      eventually(`${runId} ends`, async () => {
        await ask('runs.why', { runId })
        const run = await ask('runs.get', { runId })
        return 'endedAt' in run ? run : undefined
      })

    test('jobs, runs, logs, health, instances', async () => {
      executor.handle('echo', async (ctx) => {
        ctx.log.info('here', { deep: { a: [1] } })
        await ctx.progress(50, 'half')
        if (ctx.payload === 'fail') throw new TypeError('asked to')
        return ctx.payload
      })
      executor.mapReduce('sum', {
        root: async (ctx) => ctx.map('one', [1, 2, 3]),
        items: { one: z.number() },
        tasks: { one: (ctx) => ctx.item },
        reduce: async (ctx) => {
          let sum = 0
          for await (const one of ctx.results<number>()) sum += one
          return sum
        },
        merge: () => assert.fail('there is one part'),
      })
      executor.handle(
        'steps',
        async (ctx) => {
          const one = await ctx.step('one', () => 1)
          await ctx.sleep(20)
          return ctx.step('two', () => one + 1)
        },
        { version: 'v1' },
      )
      await executor.start()
      await ask('jobs.put', {
        name: 'nightly',
        handler: 'echo',
        schedule: { cron: '0 3 * * *' },
        payload: { a: 1 },

        timeoutMs: 9_000,
      })
      await ask('jobs.put', { name: 'often', handler: 'echo', schedule: { everyMs: 60_000 }, backoff: { type: 'fixed', delayMs: 10 } })
      await ask('jobs.get', { name: 'nightly' })
      await ask('jobs.list', { limit: 1 })
      const missed = { from: '2026-10-24T00:00:00Z', to: '2026-10-26T00:00:00Z' }
      await ask('jobs.check', { name: 'checked', schedule: { cron: '*/45 * * * *', timezone: 'Europe/Paris' } })
      await ask('jobs.preview', { schedule: { cron: '*/45 * * * *', timezone: 'Europe/Paris' }, count: 2, missed })
      await ask('jobs.backfill', { name: 'nightly', from: '2026-10-01', to: '2026-10-02' })
      await ask('jobs.pause', { name: 'nightly' })
      await ask('jobs.resume', { name: 'nightly' })
      await ask('jobs.declare', { name: 'declared', schedule: { cron: '@daily' }, version: 2 })
      await isRefused('jobs.declare', { name: 'declared', schedule: { cron: '@daily' }, version: 1 }, 'JOB_VERSION_OLD')
      await ask('jobs.release', { name: 'declared' })
      await ask('jobs.history', { name: 'nightly' })
      await ask('jobs.remove', { name: 'often' })
      await isRefused('jobs.remove', { name: 'never' }, 'JOB_NOT_FOUND')
      await ask('calendars.put', { name: 'holidays', days: ['2020-12-25'], description: 'in the past' })
      await ask('calendars.get', { name: 'holidays' })
      await ask('calendars.list', { limit: 1 })
      await ask('calendars.remove', { name: 'holidays' })
      await isRefused('calendars.get', { name: 'holidays' }, 'CALENDAR_NOT_FOUND')
      const retry = { localTries: 1, onExhausted: { job: 'nobody' } }
      const given = { handler: 'echo', payload: 'fail', nonRetryable: ['Error'], retry }
      const dead = await Promise.all(['a', 'b'].map((key) => ask('jobs.run', { ...given, key })))
      const [first, second] = await Promise.all(dead.map((run) => ended(run.runId)))
      assert.equal(first.state, 'failed')
      await eventually('both are dead letters', async () => (await ask('deadLetters.list', { scene: 'echo' })).items.length === 2)
      assert.equal((await ask('deadLetters.get', { id: first.runId })).retry.failed.length, 1)
      await ask('deadLetters.redrive', { id: first.runId, payload: ['fine'] })
      await isRefused('deadLetters.redrive', { id: first.runId, payload: ['other'] }, 'KEY_CONFLICT')
      await ask('deadLetters.rollback', { id: second.runId })
      await ask('deadLetters.remove', { id: first.runId })
      await isRefused('deadLetters.get', { id: first.runId }, 'DEAD_LETTER_NOT_FOUND')
      const { runId } = await ask('jobs.run', { job: 'nightly', key: 'k' })
      await isRefused('jobs.run', { job: 'nightly', key: 'k', payload: 2 }, 'KEY_CONFLICT')
      const { runs } = await ask('runs.start', { runs: [{ handler: 'echo', payload: 'fail' }, { handler: 'a.b' }, { handler: 'nobody' }] })
      assert.ok('error' in runs[1])
      await ended(runId)
      assert.equal((await ended(runs[0].runId)).state, 'failed')
      await ask('runs.retry', { runId: runs[0].runId })
      const waiting = await eventually('the reason why it waits', async () => {
        const run = await ask('runs.get', { runId: runs[2].runId })
        return run.reason === 'no-instance' ? run : undefined
      })
      assert.ok(waiting.message)
      const { runs: outcomes } = await ask('runs.ended', { runIds: [runId, runs[2].runId, '../x'] })
      assert.deepEqual(
        outcomes.map(({ state, error }: { state?: string; error?: { code: string } }) => state ?? error?.code),
        ['succeeded', 'queued', 'INVALID_REQUEST'],
      )
      const { runId: delayed } = await ask('jobs.run', { handler: 'echo', delayMs: 60_000 })
      for (const call of ['runs.pause', 'runs.resume', 'runs.cancel']) await ask(call, { runId: delayed })
      await ask('runs.list', { limit: 2 })
      await ask('runs.list', { state: ['failed', 'delayed'], since: '2026-01-01T00:00:00Z', time: 'created', order: 'oldest' })
      await ask('runs.count', { state: 'failed' })
      await ask('runs.bulk', { action: 'cancel', filter: { state: ['failed', 'delayed'] }, dryRun: true })
      await isRefused('runs.bulk', { action: 'cancel', filter: {} }, 'INVALID_REQUEST')
      await ask('logs.search', { level: 'warn', limit: 2 })
      const { runId: bound } = await ask('jobs.run', { handler: 'steps' })
      await ended(bound)
      const { choices } = await ask('runs.move', { runId: bound, dryRun: true })
      await ask('runs.move', { runId: bound, to: choices[0].program })
      await isRefused('runs.move', { runId: bound, to: 'steps@v9' }, 'INVALID_REQUEST')
      assert.equal((await ask('versions.list', { handler: 'steps' })).items[0]?.open, 0)
      await eventually('the first ends are counted', async () => (await ask('stats.overview', { range: '1h' })).totals.ended > 0)
      await ask('stats.job', { name: 'nobody', range: '30d', zone: 'Asia/Kolkata', compare: '28d' })
      await ask('stats.queues', {})
      await ended((await ask('jobs.run', { handler: 'echo', mode: 'broadcast' })).runId)
      await ask('runs.signal', { runId: 's'.repeat(26), name: 'paid', payload: { ref: 1 }, id: 'm-1', ttlMs: 60_000 })
      assert.equal((await ask('runs.signals', { runId: 's'.repeat(26) })).items.length, 1)
      await isRefused('runs.signal', { runId, name: 'paid' }, 'RUN_ENDED')
      await ask('runs.prune', { dryRun: true })
      await eventually('its lines are stored', async () => (await ask('logs.query', { runId })).items.length > 0)
      for (const path of [
        'coordinator.health',
        'registry.health',
        'logger.health',
        'coordinator.rebuild',
        'instances.list',
        'handlers.list',
      ])
        await ask(path)
      await isRefused('runs.get', { runId: '0'.repeat(26) }, 'RUN_NOT_FOUND')
    })

    test('workflows', async () => {
      const nodes = [
        { id: 'fails', handler: 'echo', payload: "'fail'" },
        { id: 'check', decision: [{ when: 'payload == 1', to: 'cool' }, { otherwise: 'behind' }] },
        { id: 'cool', wait: { durationMs: 60_000 } },
        { id: 'behind', handler: 'echo', after: ['fails', 'check'] },
      ]
      await ask('jobs.put', { name: 'graph', workflow: { nodes } })
      await isRefused('jobs.check', { name: 'graph', workflow: { nodes: [...nodes, ...nodes] } }, 'INVALID_WORKFLOW')
      const { runId } = await ask('jobs.run', { job: 'graph', payload: 1 })
      const states = async (): Promise<string[]> => (await ask('runs.tree', { runId })).nodes.map(({ state }: { state: string }) => state)
      await eventually('one node has failed, one waits', async () => (await states()).join() === 'failed,succeeded,delayed,blocked')
      await ask('runs.stopNode', { runId, node: 'cool' })
      assert.equal((await ended(runId)).state, 'failed')
      await ask('runs.skipNode', { runId, node: 'fails' })
      await ask('runs.succeedNode', { runId, node: 'cool', result: 7 })
      await eventually('it has succeeded', async () => (await ask('runs.get', { runId })).state === 'succeeded')
      assert.deepEqual(await states(), ['skipped', 'succeeded', 'succeeded', 'succeeded'])
    })

    test('what executors ask', async () => {
      const { runId } = await ask('jobs.run', { handler: 'sum' })
      const { result } = await ended(runId)
      assert.equal(result, 6)
      assert.equal((await ask('runs.tasks', { runId })).items.length, 5)
      const { runId: single } = await ask('jobs.run', { handler: 'echo' })
      await ended(single)
      assert.deepEqual(await ask('runs.tasks', { runId: single }), { items: [] })
      await ask('runs.tree', { runId })
      const instance = 'by-hand'
      await ask('instances.register', { instance, session: 's1', service: 'hand', handlers: [{ name: 'by-hand', kind: 'map-reduce' }] })
      const { runId: mapped } = await eventually('the kind is known', async () => {
        const run = await ask('jobs.run', { handler: 'by-hand' })
        return (await ask('runs.get', { runId: run.runId })).mode === 'map-reduce' ? run : undefined
      })
      const taskId = `${mapped}-a`
      const about = { taskId, attempt: 1, instance, session: 's1' }
      const claimed = await eventually('the instance is known, and its task is free', async () => {
        const answer = await send('tasks.claim', { ...about, redelivered: false })
        return answer.run ? answer : undefined
      })
      assert.deepEqual(claimed, { run: true, attempt: 1 })
      await ask('tasks.claim', { ...about, attempt: 7, instance: 'by-hand' })
      const { session: _session, ...caller } = about
      await ask('tasks.map', { ...caller, call: 0, name: 'one', items: [1, 2] })
      await ask('tasks.run', { ...caller, key: '#0', run: { job: 'hello', payload: 1 } })
      await ask('tasks.step', { ...caller, index: 0, name: 'a', outcome: { type: 'done', result: { b: 1 } } })
      await ask('tasks.step', { ...caller, index: 1, name: 'c', outcome: { type: 'failed', failure: { message: 'no' }, isFinal: true } })
      await ask('tasks.step', { ...caller, index: 2, name: 'sleep', outcome: { type: 'sleeping', forMs: 60_000 } })
      await ask('tasks.step', { ...caller, index: 3, name: 'paid', outcome: { type: 'waiting', timeoutMs: 60_000 } })
      await ask('runs.signal', { runId: mapped, name: 'paid', payload: 1 })
      assert.equal((await ask('tasks.step', { ...caller, index: 3, name: 'paid', outcome: { type: 'waiting' } })).stored.state, 'received')
      await ask('tasks.journal', { taskId })
      await ask('tasks.data', { ...caller, data: { cursor: 1 } })
      await ask('tasks.next', { ...caller, delayMs: 60_000 })
      await ask('tasks.memory', { taskId })
      await ask('tasks.results', { taskId: `${runId}-b00000` })
      await ask('jobs.put', {
        name: 'decided',
        workflow: {
          nodes: [
            { id: 'ok', wait: { approval: {} } },
            { id: 'no', wait: { approval: {} } },
            { id: 'skip', wait: { signal: 'paid' } },
            { id: 'stop', wait: { durationMs: 60_000 } },
          ],
        },
      })
      const { runId: approved } = await ask('jobs.run', { job: 'decided' })
      await eventually('it waits', async () =>
        (await ask('runs.tree', { runId: approved })).nodes.every(({ state }: { state: string }) => state === 'delayed'),
      )
      assert.equal((await ask('runs.approve', { runId: approved, node: 'ok', note: 'yes' })).already, false)
      await ask('runs.reject', { runId: approved, node: 'no', generation: 1 })
      await isRefused('runs.reject', { runId: approved, node: 'ok' }, 'DECIDED_OTHERWISE')
      await ask('runs.skipNode', { runId: approved, node: 'skip' })
      await ask('runs.stopNode', { runId: approved, node: 'stop' })
      await ask('runs.succeedNode', { runId: approved, node: 'stop', result: 1 })
      await ask('instances.cordon', { instance, note: 'why' })
      assert.equal((await ask('instances.drain', { instance, continues: true })).isEmpty, false)
      assert.equal((await ask('instances.uncordon', { instance })).uncordoned, true)
      await isRefused('instances.drain', { instance, continues: true }, 'CONCURRENT_CHANGE')
      await isRefused('instances.cordon', { instance: 'nobody' }, 'INSTANCE_UNKNOWN')
      await ask('instances.leave', { instance, session: 's1' })
    })

    test('every call has been answered, and every kind of message has been seen', async () => {
      nats.publish(`carillon.${namespace}.trigger.nightly`, '{nonsense')
      await executor.stop()
      await eventually('all is seen', () => ['event.message', 'event.instance'].every((name) => heard.has(name)))
      assert.deepEqual(wrong, [])
      assert.deepEqual(
        [...asked].sort(),
        // This mesh has no gateway: the calls that one answers have tests of their own.
        Object.values<Call>(CALLS)
          .filter(({ service }) => service !== 'gateway')
          .map(({ noun, verb }) => `${noun}.${verb}`)
          .sort(),
      )
      const unseen = Object.keys(MESSAGES).filter((name) => !heard.has(name))
      assert.deepEqual(
        unseen.sort().join(' '),
        'accounts alive assignment-answer event.incident hung live.alert live.gate offer-answer presence refusal',
        'these travel elsewhere, or rarely',
      )
    })
  })
