import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Document, type FindOptions, MongoClient, MongoServerError } from 'mongodb'
import { openStore } from '../open-store.ts'
import type { LogQuery } from '../search-port.ts'
import { aDelivery, anIncident } from '../testing/alert-records.ts'
import { range } from '../testing/pages.ts'
import { aLetter, aLine, aRun, aSignal, aTask, START_AT } from '../testing/records.ts'
import { MongoDeliveryStore, MongoIncidentStore } from './alert-stores.ts'
import { MongoCalendarStore } from './calendar-store.ts'
import { MongoDatabase } from './database.ts'
import { MongoDeadLetterStore } from './dead-letter-store.ts'
import { MongoJobStore } from './job-store.ts'
import { MongoLogStore } from './log-store.ts'
import { MongoRunStore } from './run-store.ts'
import { MongoSignalStore } from './signal-store.ts'
import { MongoTaskStore } from './task-store.ts'
import { dropDatabase, freshDatabase, SKIP_WITHOUT_ENGINE } from './test-database.ts'

interface Question {
  readonly collection: string
  readonly filter: Document
  readonly options: FindOptions
}

/** Notes what is asked. */
class WatchedDatabase extends MongoDatabase {
  readonly questions: Question[] = []

  override collection(name: string) {
    const collection = super.collection(name)
    const find = collection.find.bind(collection) as (filter: Document, options: FindOptions) => ReturnType<typeof collection.find>
    const noting = (filter: Document, options: FindOptions) => {
      const { sort, limit, projection } = options
      this.questions.push({
        collection: name,
        filter,
        options: { ...(sort && { sort }), ...(limit && { limit }), ...(projection && { projection }) },
      })
      return find(filter, options)
    }
    const aggregate = collection.aggregate.bind(collection) as (pipeline: Document[]) => ReturnType<typeof collection.aggregate>
    const notingFirst = (pipeline: Document[]) => {
      // What is counted is found first.
      this.questions.push({ collection: name, filter: pipeline[0]?.['$match'] as Document, options: {} })
      return aggregate(pipeline)
    }
    return Object.assign(collection, { find: noting, aggregate: notingFirst })
  }
}

/** The scans of a plan, by the words of mongod or of DocumentDB: indexes by name, and what is read from end to end. */
function scansOf(plan: unknown): string[] {
  if (typeof plan !== 'object' || plan === null) return []
  if (Array.isArray(plan)) return plan.flatMap(scansOf)
  const { stage, indexName, ...node } = plan as Document
  const [type, index] = [stage ?? node['Node Type'], indexName ?? node['Index Name']]
  const own = type === 'COLLSCAN' || type === 'Seq Scan' ? ['everything'] : index === undefined ? [] : [String(index)]
  const below = ['inputStage', 'inputStages', 'queryPlan', 'winningPlan', 'Plan', 'Plans'].flatMap((part) => scansOf(node[part]))
  return [...own, ...below]
}

type Case = readonly [name: string, indexes: readonly string[], ask: () => Promise<unknown>]

/** What is asked, and by which index it may be found. */
function casesOf(database: MongoDatabase): Case[] {
  const namespace = 'default'
  const limit = 10
  const signals = new MongoSignalStore(database)
  const [runs, tasks, jobs, logs] = [
    new MongoRunStore(database),
    new MongoTaskStore(database),
    new MongoJobStore(database),
    new MongoLogStore(database),
  ]
  const lines = (filter: Partial<LogQuery>) => logs.query({ namespace, runId: 'run-0', order: 'oldest', limit, ...filter })
  return [
    ['runs', ['recent'], () => runs.list({ namespace, limit })],
    ['runs of a job', ['of-job'], () => runs.list({ namespace, job: 'report', limit })],
    ['failed runs', ['in-state'], () => runs.list({ namespace, states: ['failed'], limit })],
    ['failed runs of a job', ['of-job-in-state'], () => runs.list({ namespace, job: 'report', states: ['failed'], limit })],
    ['queued runs', ['queued', 'recent'], () => runs.list({ namespace, states: ['queued'], limit })],
    ['oldest runs', ['recent'], () => runs.list({ namespace, order: 'oldest', since: START_AT, until: START_AT + 9, limit })],
    ['runs of several states', ['in-state', 'held'], () => runs.list({ namespace, states: ['failed', 'running', 'paused'], limit })],
    ['runs by their end', ['ended'], () => runs.list({ namespace, time: 'endedAt', states: ['failed', 'expired'], limit })],
    ['oldest runs by their end', ['ended'], () => runs.list({ namespace, time: 'endedAt', states: ['failed'], order: 'oldest', limit })],
    ['counted runs', ['recent'], () => runs.count({ namespace, atMost: limit })],
    ['counted runs that failed', ['in-state'], () => runs.count({ namespace, states: ['failed'], atMost: limit })],
    ['runs with a text', ['recent'], () => runs.list({ namespace, text: 'paid', limit })],
    ['runs of some handlers', ['recent'], () => runs.list({ namespace, since: START_AT, handlers: ['hello'], limit })],
    ['failed runs of some handlers', ['in-state'], () => runs.list({ namespace, states: ['failed'], handlers: ['hello'], limit })],
    ['due runs', ['due'], () => runs.due({ until: START_AT, shares: [1, 2], limit })],
    ['runs of an instance', ['owned'], () => runs.ownedBy({ namespace, owner: 'i-3', limit })],
    ['child runs', ['children'], () => runs.children({ of: 'run-1', limit })],
    ['child runs that have ended', ['ended-children'], () => runs.endedChildren({ from: START_AT, limit })],
    ['tasks', ['_id_'], () => tasks.list({ runId: 'run-1', limit })],
    ['failed tasks', ['in-state'], () => tasks.list({ runId: 'run-1', state: 'failed', limit })],
    ['open signals of a name', ['open'], () => signals.open({ namespace, runId: 'run-1', name: 'paid', limit })],
    ['open signals of a run', ['open'], () => signals.usage({ namespace, runId: 'run-1' })],
    ['signals that a step has taken', ['taken', 'open'], () => signals.takenBy('run-1.5')],
    ['signals without a run', ['unclaimed'], () => signals.countUnclaimed({ namespace, atMost: limit })],
    ['jobs', ['by-name'], () => jobs.list({ namespace, limit })],
    ['calendars', ['by-name'], () => new MongoCalendarStore(database).list({ namespace, limit })],
    ['dead letters', ['listed'], () => new MongoDeadLetterStore(database).list({ namespace, limit })],
    ['dead letters of a scene', ['of-scene'], () => new MongoDeadLetterStore(database).list({ namespace, scene: 'ship', limit })],
    ['lines of all runs', ['by-time'], () => logs.search({ namespace, text: 'paid', since: START_AT, limit })],
    ['warnings of all runs', ['alarming-by-time'], () => logs.search({ namespace, levels: ['warn', 'error'], limit })],
    ['incidents', ['listed'], () => new MongoIncidentStore(database).list({ namespace, limit })],
    ['open incidents', ['in-state'], () => new MongoIncidentStore(database).list({ namespace, isCurrent: 1, limit })],
    ['incidents of a rule', ['of-rule'], () => new MongoIncidentStore(database).list({ namespace, rule: 'failures', limit })],
    [
      'incidents of a rule that are not over',
      ['current'],
      () => new MongoIncidentStore(database).current({ namespace, rule: 'late', limit }),
    ],
    ['the latest incident of a cause', ['_id_'], () => new MongoIncidentStore(database).latest('ia7')],
    ['deliveries of an incident', ['_id_'], () => new MongoDeliveryStore(database).of('ia7-000001')],
    [
      'deliveries of a channel',
      ['waiting'],
      () => new MongoDeliveryStore(database).dueOf({ channel: 'default/ops', until: START_AT, limit }),
    ],
    [
      'channels with deliveries',
      ['waiting'],
      () => new MongoDeliveryStore(database).channelsDue({ until: START_AT, after: 'default/c', limit: 1 }),
    ],
    ...(['oldest', 'newest'] as const).flatMap((order): Case[] => [
      [`lines, ${order} first`, ['in-order'], () => lines({ order })],
      [`lines of a task, ${order} first`, ['in-order'], () => lines({ order, taskId: 'run-0-1' })],
      [`lines of warnings, ${order} first`, ['alarming'], () => lines({ order, levels: ['warn', 'error'] })],
      [`lines of errors, ${order} first`, ['alarming'], () => lines({ order, levels: ['error'] })],
    ]),
  ]
}

/** Few records of each kind that is looked for among many others. */
async function fill(url: string): Promise<void> {
  const store = await openStore(url)
  const owned = (n: number) => ({ state: 'running', owner: `i-${n % 50}`, wakeAt: START_AT + n, queuedAt: null }) as const
  const lives = [
    { state: 'succeeded', queuedAt: null },
    { state: 'succeeded', queuedAt: null },
    { state: 'failed', queuedAt: null },
  ] as const
  const lifeOf = (n: number) => [...lives, owned(n), {}][n % 5]
  await store.runs.insert(range(1_000).map((n) => aRun(n, { job: n % 7 ? 'other' : 'report', ...lifeOf(n) })))
  await store.tasks.insert(range(1_000).map((n) => aTask(`run-${n % 20}`, n, { state: n % 3 ? 'succeeded' : 'failed', queuedAt: null })))
  const takenBy = (n: number) => (n % 4 ? `run-${n % 20}.${n}` : null)
  await store.signals.insert(range(1_000).map((n) => aSignal(`run-${n % 20}`, n, { takenBy: takenBy(n), unclaimed: n % 50 ? 0 : 1 })))
  const levelOf = (n: number) => (n % 9 ? 'info' : n % 2 ? 'error' : 'warn')
  const line = (n: number) => aLine(`run-${n % 20}`, n + 1, { level: levelOf(n), taskId: `run-${n % 20}-${n % 7}` })
  await store.logs.insert(range(4_000).map(line))
  await store.deadLetters.insert(range(500).map((n) => aLetter(n, { scene: n % 9 ? 'pay' : 'ship', at: START_AT + n })))
  const incident = (n: number) =>
    anIncident(`ia${n}`, 1, { rule: n % 9 ? 'failures' : 'late', isCurrent: n % 7 ? 0 : 1, isShown: n % 5 ? 1 : 0 })
  await store.incidents.insert(range(500).map(incident))
  await store.deliveries.insert(
    range(500).map((n) => aDelivery(`ia${n}-000001`, n % 9 ? 'chat' : 'ops', { wakeAt: n % 7 ? null : START_AT })),
  )
  await store.close()
}

/** Of commands and options that an engine does not have. */
const NOT_OFFERED = [59, 115, 238]

test('every list has an index', { skip: SKIP_WITHOUT_ENGINE }, async (context) => {
  const fresh = freshDatabase()
  await fill(fresh.url)
  const database = new WatchedDatabase({ ...fresh, readOnly: true })
  const client = await MongoClient.connect(fresh.url)
  await database.connect()
  context.after(async () => {
    await Promise.all([database.close(), client.close()])
    await dropDatabase(fresh)
  })
  for (const [name, indexes, ask] of casesOf(database)) {
    await context.test(name, async (t) => {
      database.questions.length = 0
      await ask()
      assert.ok(database.questions.length > 0)
      // Runs of a list are read when their places in it are known.
      const searched = database.questions.filter(({ filter }) => Object.keys(filter).join() !== '_id' || !filter['_id'].$in)
      for (const { collection, filter, options } of searched) {
        const asked = client.db(fresh.database).collection(collection).find(filter, options)
        const explained = await asked.explain('queryPlanner').catch((error: unknown) => {
          if (error instanceof MongoServerError && NOT_OFFERED.includes(Number(error.code))) return undefined
          throw error
        })
        if (explained === undefined) return t.skip('this engine does not explain how it finds what is asked for')
        const scans = scansOf(explained['queryPlanner'])
        assert.ok(scans.length === 1 && indexes.includes(scans[0]!), `${scans.join(', ') || 'no scan'} instead of ${indexes.join(' or ')}`)
      }
    })
  }
})
