import assert from 'node:assert/strict'
import { test } from 'node:test'
import { OPEN_STATES, RUN_STATES, UNSUCCESSFUL_STATES } from '@carillon/contracts'
import type { LogQuery } from '../search-port.ts'
import { encodeCursor } from '../slice.ts'
import { range } from '../testing/pages.ts'
import { aLine, START_AT } from '../testing/records.ts'
import { SqliteAlertChannelStore, SqliteAlertRuleStore, SqliteDeliveryStore, SqliteIncidentStore } from './alert-stores.ts'
import { SqliteCalendarStore } from './calendar-store.ts'
import { Connection } from './connection.ts'
import { SqliteDeadLetterStore } from './dead-letter-store.ts'
import { SqliteJobStore } from './job-store.ts'
import { SqliteLogStore } from './log-store.ts'
import { migrate } from './migrate.ts'
import { SqliteRetentionStore } from './retention-store.ts'
import { SqliteRunStore } from './run-store.ts'
import { SqliteSignalStore } from './signal-store.ts'
import { SqliteTaskStore } from './task-store.ts'

/** Notes how SQLite would find the rows of each question. */
class WatchedConnection extends Connection {
  readonly plans: string[] = []
  readonly statements: string[] = []

  override all(sql: string, values: Parameters<Connection['all']>[1]) {
    this.#note(sql, values)
    return super.all(sql, values)
  }

  override values(sql: string, values: Parameters<Connection['all']>[1]) {
    this.#note(sql, values)
    return super.values(sql, values)
  }

  override each(sql: string, values: Parameters<Connection['all']>[1], take: Parameters<Connection['each']>[2]) {
    this.#note(sql, values)
    return super.each(sql, values, take)
  }

  #note(sql: string, values: Parameters<Connection['all']>[1]) {
    const plan = super.all(`explain query plan ${sql}`, values)
    this.plans.push(plan.map((row) => row['detail']).join('; '))
    this.statements.push(sql)
  }
}

test('every question has an index, and none sorts what it may have to skip', async () => {
  const connection = new WatchedConnection({ path: ':memory:', synchronous: 'normal', readOnly: false })
  migrate(connection)
  connection.plans.length = 0
  const runs = new SqliteRunStore(connection)
  const tasks = new SqliteTaskStore(connection)
  const namespace = 'default'
  const due = { until: 5, shares: [1, 2], limit: 10 }
  await runs.due(due)
  await tasks.due(due)
  await tasks.heads(['run-1', 'run-2'])
  await new SqliteJobStore(connection).due(due)
  await new SqliteJobStore(connection).list({ namespace, limit: 10 })
  await new SqliteJobStore(connection).triggered({ limit: 10 })
  await new SqliteCalendarStore(connection).list({ namespace, limit: 10 })
  await runs.ownedBy({ namespace, owner: 'i-1', limit: 10 })
  await tasks.ownedBy({ namespace, owner: 'i-1', limit: 10 })
  await runs.queued({ from: 0, before: 5, limit: 10 })
  await runs.queuedCount({ before: 5 })
  await runs.programs(namespace)
  await tasks.programs(namespace)
  const after = encodeCursor([9, 'run-1'])
  for (const states of [undefined, ...RUN_STATES.map((state) => [state]), RUN_STATES, UNSUCCESSFUL_STATES])
    for (const order of ['newest', 'oldest'] as const)
      for (const cursor of [undefined, after]) {
        const found = { namespace, states, order, cursor, limit: 10 }
        await runs.list(found)
        await runs.list({ ...found, job: 'report', since: 5, until: 9 })
        await runs.list({ ...found, since: 5, handlers: ['hello'] })
        await runs.list({ ...found, job: 'report', since: 5, triggers: ['call'], owners: ['i-1'], text: 'paid' })
        await runs.count({ ...found, job: 'report', since: 5, atMost: 10 })
        await runs.count({ ...found, until: 5, text: 'paid', atMost: 10 })
      }
  for (const order of ['newest', 'oldest'] as const) {
    const ended = { namespace, states: UNSUCCESSFUL_STATES, time: 'endedAt', order, limit: 10 } as const
    await runs.list({ ...ended, cursor: after })
    await runs.list({ ...ended, since: 5, until: 9, job: 'report' })
    await runs.count({ ...ended, since: 5, atMost: 10 })
  }
  await runs.children({ of: 'run-1', limit: 10 })
  await runs.endedChildren({ from: 5, limit: 10 })
  await tasks.list({ runId: 'run-1', limit: 10 })
  await tasks.list({ runId: 'run-1', limit: 10, cursor: encodeCursor(['run-1-a']) })
  await tasks.results({
    ...{ runId: 'run-1', state: 'succeeded', isLeaf: true, from: 'run-1-a', before: 'run-1-b', limit: 10 },
    cursor: encodeCursor(['run-1-a-00000a']),
  })
  await tasks.list({ runId: 'run-1', state: 'failed', limit: 10 })
  await tasks.queued({ from: 0, before: 5, limit: 10 })
  await tasks.queuedCount({ before: 5 })
  await tasks.list({ runId: 'run-1', state: 'succeeded', isLeaf: true, from: 'run-1-a', before: 'run-1-b', limit: 10 })
  await tasks.leafAt({ runId: 'run-1', before: 'run-1-b', rank: 5 })
  await tasks.countUpTo({ runId: 'run-1', states: OPEN_STATES, atMost: 1 })
  await tasks.tally({ runId: 'run-1', from: 'run-1-a' })
  await tasks.names('run-1')
  const logs = new SqliteLogStore(connection)
  const afterLine = encodeCursor([9, namespace, 'run-1', 'run-1', 1, 1])
  for (const levels of [undefined, ['info', 'warn', 'error'], ['warn', 'error'], ['error']] as const)
    for (const more of [{}, { text: 'paid' }, { since: 5, until: 9 }, { since: 5, instance: 'i-1', cursor: afterLine }])
      await logs.search({ namespace, levels, ...more, limit: 10 })
  const signals = new SqliteSignalStore(connection)
  await signals.due(due)
  await signals.list({ namespace, runId: 'run-1', limit: 10 })
  await signals.open({ namespace, runId: 'run-1', name: 'paid', limit: 10 })
  await signals.takenBy('run-1.00000')
  await signals.usage({ namespace, runId: 'run-1' })
  await signals.countUnclaimed({ namespace, atMost: 10 })
  const letters = new SqliteDeadLetterStore(connection)
  await letters.list({ namespace, limit: 10 })
  await letters.list({ namespace, scene: 'hello', limit: 10 })
  await letters.removeOlder({ before: 5, limit: 10 })
  const rules = new SqliteAlertRuleStore(connection)
  await rules.list({ namespace, limit: 10 })
  await rules.due(due)
  await new SqliteAlertChannelStore(connection).list({ namespace, limit: 10 })
  const incidents = new SqliteIncidentStore(connection)
  await incidents.latest('ia')
  for (const filter of [{}, { rule: 'failures' }, { isCurrent: 1 }, { rule: 'failures', isCurrent: 0 }] as const)
    await incidents.list({ namespace, ...filter, limit: 10 })
  await incidents.current({ namespace, rule: 'failures', limit: 10 })
  await incidents.due(due)
  await incidents.removeOlder({ before: 5, limit: 10 })
  const deliveries = new SqliteDeliveryStore(connection)
  await deliveries.of('ia-000001')
  await deliveries.channelsDue({ until: 5, after: 'default/a', limit: 10 })
  await deliveries.dueOf({ channel: 'default/ops', until: 5, limit: 10 })
  await deliveries.due(due)
  await deliveries.removeOlder({ before: 5, limit: 10 })
  const retention = new SqliteRetentionStore(connection)
  await retention.nextNamespace('a')
  await retention.runs({ namespace, createdBefore: 5, limit: 10 })
  await retention.runs({ namespace, job: 'report', createdBefore: 5, limit: 10 })
  await retention.newest({ namespace, job: 'report', rank: 20 })
  await retention.schedules(['default/report'])
  await retention.tombstones(['run-1'])
  await retention.expired({ ...due, until: 5 })
  await retention.countTasks(['run-1'])
  await retention.countSteps(['run-1'])
  await retention.orphans({ of: 'tasks', after: '', limit: 1 })
  await retention.orphans({ of: 'steps', after: '', limit: 1 })
  for (const plan of connection.plans) {
    assert.doesNotMatch(plan, /SCAN (?!json_each|\(subquery)|TEMP B-TREE FOR ORDER/, plan)
  }
  // Of two lower bounds SQLite begins at one, and reads all that is between it and the other.
  for (const statement of connection.statements) assert.doesNotMatch(statement, /"id" >=? \?.*"id" >=? \?/, statement)
  const unfinished = connection.plans.filter((plan) => plan.includes('runs_unfinished'))
  assert.ok(unfinished.length >= RUN_STATES.length - 1, 'lists by state use the partial index')
  const counts = connection.plans.filter((plan) => plan.includes('COVERING INDEX') && plan.includes('_queued'))
  assert.equal(counts.length, 2, 'what is queued is counted by an index alone')
  connection.close()
})

const LINES: readonly { readonly by: string; readonly filter: Partial<LogQuery> }[] = [
  { by: 'logs_in_order', filter: {} },
  { by: 'logs_in_order', filter: { text: 'paid' } },
  { by: 'logs_in_order', filter: { levels: ['info', 'warn', 'error'] } },
  { by: 'logs_in_order', filter: { taskId: 'run-1' } },
  { by: 'logs_of_task', filter: { taskId: 'run-1-7' } },
  { by: 'logs_of_task', filter: { taskId: 'run-1-7', levels: ['error'], text: 'paid' } },
  { by: 'logs_alarming', filter: { levels: ['warn', 'error'] } },
  { by: 'logs_alarming', filter: { levels: ['error'] } },
  { by: 'logs_alarming', filter: { levels: ['warn', 'error'], text: 'paid' } },
]

for (const order of ['oldest', 'newest'] as const) {
  for (const { by, filter } of LINES) {
    test(`log lines, ${order} first, of ${JSON.stringify(filter)} come from ${by} from where the cursor stands`, async () => {
      const connection = new WatchedConnection({ path: ':memory:', synchronous: 'normal', readOnly: false })
      migrate(connection)
      const logs = new SqliteLogStore(connection)
      const query = { namespace: 'default', runId: 'run-1', order, limit: 10, ...filter }
      await logs.insert(
        range(6_000, 1).map((seq) => aLine('run-1', seq, { taskId: 'run-1-7', level: 'error', message: seq < 50 ? 'paid' : 'x' })),
      )
      connection.plans.length = 0
      const { cursor } = await logs.query(query)
      await logs.query({ ...query, cursor })
      assert.ok(connection.plans.length >= 2)
      for (const plan of connection.plans) {
        assert.match(plan, new RegExp(`^SEARCH logs USING (COVERING )?INDEX ${by} `), plan)
        assert.doesNotMatch(plan, /TEMP B-TREE|SCAN (?!json_each)/, plan)
      }
      if (cursor !== undefined) assert.match(connection.plans.at(-1) ?? '', /[(, ](at|\(at.*\))[<>]/)
      connection.close()
    })
  }
}

test('a filter that few lines pass reads a limited number for each page, and finds them all', async () => {
  const connection = new WatchedConnection({ path: ':memory:', synchronous: 'normal', readOnly: false })
  migrate(connection)
  const logs = new SqliteLogStore(connection)
  await logs.insert(range(22_000, 1).map((seq) => aLine('run-1', seq, { at: START_AT + (seq >> 13), message: seq % 7_000 ? 'x' : 'rare' })))
  for (const [order, found] of [
    ['oldest', [[], [7_000], [14_000], [], [21_000]]],
    ['newest', [[21_000], [14_000], [], [7_000], []]],
  ] as const) {
    const pages: number[][] = []
    let cursor: string | undefined
    do {
      const slice = await logs.query({ namespace: 'default', runId: 'run-1', order, text: 'rare', limit: 10, cursor })
      pages.push(slice.items.map(({ seq }) => seq))
      cursor = slice.cursor
    } while (cursor !== undefined)
    assert.deepEqual(pages, found)
  }
  const short = await logs.query({ namespace: 'default', runId: 'run-1', order: 'oldest', text: 'x', limit: 3 })
  assert.deepEqual(
    short.items.map(({ seq }) => seq),
    [1, 2, 3],
  )
  connection.close()
})
