import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CarillonError, type ChildRunView, type JournalEntry, type Wait } from '@carillon/contracts'
import { FakeClock, signal } from '@carillon/wire/testing'
import type { TimeOrDuration } from '../moment.ts'
import { turnOf } from '../turn.ts'
import { NonRetryableError, RetryAfterError } from './handler-errors.ts'
import { PendingCalls } from './pending-calls.ts'
import { type StepOptions, type StepPort, Steps } from './steps.ts'

/** What needs no time is done after some turns of the event loop. */
async function turn(clock: FakeClock): Promise<void> {
  for (let i = 0; i < 5; i++) {
    clock.turn()
    await new Promise((resolve) => setImmediate(resolve))
  }
}

/** A task whose steps are kept here, over as many attempts as a test begins. */
function aTask() {
  const clock = new FakeClock()
  const entries = new Map<number, JournalEntry>()
  const suspended: (number | { delayMs: number | undefined; waits: readonly Wait[] })[] = []
  const changes: string[] = []
  const stop = new AbortController()
  let isDraining = false
  /** Child runs that have ended, by their keys. */
  const children = new Map<string, ChildRunView>()
  /** The coordinator's clock is 90 s ahead of ours. */
  const meshNow = () => clock.now() + 90_000
  const answered = (entry: JournalEntry): JournalEntry =>
    entry.until === undefined ? entry : { ...entry, leftMs: Math.max(0, Date.parse(entry.until) - meshNow()) }
  const port = (): StepPort => ({
    clock,
    taskId: 'task',
    signal: stop.signal,
    isOver: false,
    isDraining,
    journal: async () => new Map([...entries].map(([index, entry]) => [index, answered(entry)])),
    async store({ index, name, try: tries, outcome }) {
      const before = entries.get(index)
      const failures = outcome.type === 'failed' && !outcome.isFinal ? (before?.failures ?? 0) + 1 : 0
      const more = outcome.type === 'done' ? { result: JSON.parse(JSON.stringify(outcome.result)) } : {}
      const limit =
        outcome.type === 'waiting' && outcome.timeoutMs !== undefined ? new Date(meshNow() + outcome.timeoutMs).toISOString() : undefined
      const dueAt = outcome.type === 'sleeping' ? (outcome.until ?? new Date(meshNow() + (outcome.forMs ?? 0)).toISOString()) : limit
      const until = dueAt === undefined ? {} : { until: dueAt }
      const final = outcome.type === 'failed' && outcome.isFinal ? { isFinal: true as const } : {}
      const failure = outcome.type === 'failed' ? { failure: outcome.failure } : {}
      entries.set(index, { index, name, state: outcome.type, tries, failures, at: '', ...more, ...until, ...final, ...failure })
      return answered(entries.get(index) as JournalEntry)
    },
    run: async ({ key }) => children.get(key) ?? { runId: `child${key}`, state: 'running' },
    suspend: ({ delayMs, waits }) => void suspended.push(waits.length === 0 ? (delayMs ?? Number.NaN) : { delayMs, waits }),
    changed: (error) => void changes.push(error.message),
  })
  const pending = new PendingCalls()
  return {
    clock,
    entries,
    suspended,
    changes,
    stop,
    children,
    pending,
    begin: () => new Steps(port(), pending),
    /** The handler has returned. */
    end: async (steps: Steps) => {
      await pending.quiet(() => turnOf(clock))
      await steps.checkWhole()
    },
    drain: () => (isDraining = true),
  }
}

test('what is done is given as it was stored, in this attempt and in the next', async () => {
  const task = aTask()
  let calls = 0
  for (const steps of [task.begin(), task.begin()]) {
    const at = await steps.step('a', () => {
      calls++
      return { at: new Date(0), nothing: undefined }
    })
    assert.deepEqual(at, { at: '1970-01-01T00:00:00.000Z' })
    const end = task.end(steps)
    await turn(task.clock)
    await end
  }
  assert.equal(calls, 1)
})

test('a step that fails is tried again in later attempts, with growing pauses; the last error reaches the handler', async () => {
  const task = aTask()
  const fail = (steps: Steps) =>
    steps.step('a', () => Promise.reject(new Error('no')), { attempts: 3, backoff: { type: 'exponential', delayMs: 10 } })
  for (let i = 0; i < 2; i++) {
    void fail(task.begin())
    await turn(task.clock)
  }
  assert.deepEqual(task.suspended, [10, 20])
  await assert.rejects(fail(task.begin()), /no/)
  assert.deepEqual([task.entries.get(0)?.tries, task.entries.get(0)?.failures], [3, 0])
  // A program that has handled it receives it again; once its task was retried the step has its tries again.
  await assert.rejects(
    task.begin().step('a', () => assert.fail('again')),
    /no/,
  )
  task.entries.set(0, { ...(task.entries.get(0) as JournalEntry), isFinal: undefined } as never)
  void fail(task.begin())
  await turn(task.clock)
  assert.deepEqual(task.suspended, [10, 20, 10])
})

test('the pauses of a step are those of a list, or random; an error that is not retried ends its tries; an executor knows no cron', async () => {
  const pausesOf = async (backoff: StepOptions['backoff']) => {
    const task = aTask()
    for (let i = 0; i < 3; i++) {
      void task.begin().step('a', () => Promise.reject(new Error('no')), { attempts: 9, backoff })
      await turn(task.clock)
    }
    return task.suspended.map(Number)
  }
  assert.deepEqual(await pausesOf({ type: 'list', delaysMs: [10, 500] }), [10, 500, 500])
  const random = await pausesOf({ type: 'random', minMs: 100, maxMs: 100_000 })
  assert.ok(random.every((ms) => ms >= 100 && ms <= 100_000) && new Set(random).size === 3, String(random))
  assert.deepEqual(await pausesOf({ type: 'random', minMs: 100, maxMs: 100_000 }), random)

  const options = { attempts: 9, nonRetryable: ['TypeError'] }
  await assert.rejects(
    aTask()
      .begin()
      .step('a', () => Promise.reject(new TypeError('no')), options),
    /no/,
  )
  const wrong: [options: object, code: string, field: string][] = [
    [{ backoff: { type: 'cron', cron: '* * * * *' } }, 'INVALID_REQUEST', 'backoff.type'],
    [{ backoff: { type: 'list', delaysMs: [] } }, 'INVALID_REQUEST', 'backoff.delaysMs'],
    [{ backoff: { type: 'fixed', delayMs: -1 } }, 'INVALID_DELAY', 'backoff.delayMs'],
    [{ nonRetryable: [] }, 'INVALID_REQUEST', 'nonRetryable'],
  ]
  for (const [options, code, field] of wrong)
    await assert.rejects(
      aTask()
        .begin()
        .step('a', () => 1, options),
      (error: CarillonError) => error.code === code && error.details.field === field,
    )
})

test('a sleep is as long as a duration says, or until a time', async () => {
  const { clock } = aTask()
  const at = new Date(clock.now() + 3_600_000)
  const storedOf = async (until: TimeOrDuration) => {
    const task = aTask()
    void task.begin().sleep(until)
    await turn(task.clock)
    return Date.parse(task.entries.get(0)?.until ?? '')
  }
  // The coordinator counts from its own clock.
  for (const [forMs, length] of [
    [5_400_000, '1h30m'],
    [2_000, 2_000],
  ] as const)
    assert.equal(await storedOf(length), clock.now() + 90_000 + forMs)
  for (const time of [at, at.toISOString()]) assert.equal(await storedOf(time), at.getTime())
  for (const wrong of ['soon', '30m1h', '4000d', Number.NaN, new Date('x')])
    await assert.rejects(aTask().begin().sleep(wrong), { code: 'INVALID_DELAY' })
})

test('an error may say when it is to be tried again; what is no time leaves the pause as it is', async () => {
  for (const [retryAfterMs, pauseMs] of [
    [5_000, 5_000],
    [1, 10],
    [Number.NaN, 10],
    [Number.POSITIVE_INFINITY, 10],
  ] as const) {
    const task = aTask()
    const fail = () => Promise.reject(new RetryAfterError('later', retryAfterMs))
    void task.begin().step('a', fail, { attempts: 2, backoff: { type: 'fixed', delayMs: 10 } })
    await turn(task.clock)
    assert.deepEqual(task.suspended, [pauseMs])
  }
})

test('an error that is not to be tried again is not', async () => {
  const task = aTask()
  const failing = task.begin().step('a', () => Promise.reject(new NonRetryableError('never')), { attempts: 3 })
  await assert.rejects(failing, /never/)
  assert.deepEqual(task.suspended, [])
})

test('a task does not go to sleep under a step; the shortest sleep is the first to end', async () => {
  const task = aTask()
  const steps = task.begin()
  let release: () => void = () => undefined
  const long = steps.step('long', () => new Promise<void>((resolve) => (release = resolve)))
  void steps.sleep(60_000)
  void steps.sleep(30_000)
  await turn(task.clock)
  assert.deepEqual(task.suspended, [])
  release()
  await long
  await turn(task.clock)
  assert.deepEqual(task.suspended, [30_000])
  task.clock.elapse(30_000)
  const again = task.begin()
  await again.step('long', () => assert.fail('again'))
  void again.sleep(60_000)
  await again.sleep(30_000)
  await turn(task.clock)
  assert.equal(task.suspended.at(-1), 30_000)
})

test('a step that has not begun when the process is to end is left to others', async () => {
  const task = aTask()
  const steps = task.begin()
  await steps.step('a', () => 1)
  task.drain()
  const next = task.begin()
  assert.equal(await next.step('a', () => 2), 1)
  void next.step('b', () => assert.fail('begun'))
  await turn(task.clock)
  assert.deepEqual(task.suspended, [0])
})

test('a changed program is noticed: another name, another kind, steps that are gone', async () => {
  const task = aTask()
  const steps = task.begin()
  await steps.step('a', () => 1)
  void steps.sleep(5_000)
  await turn(task.clock)
  const notBegun = () => assert.fail('nothing is executed')
  void task.begin().step('b', notBegun).then(notBegun, notBegun)
  await turn(task.clock)
  const other = task.begin()
  await other.step('a', notBegun)
  // Code that would undo what failed is not executed either.
  void other.step('b', notBegun).then(notBegun, notBegun).finally(notBegun)
  void other.sleep(5_000).then(notBegun, notBegun)
  await turn(task.clock)
  assert.equal(task.changes.length, 2)
  assert.match(task.changes[0] ?? '', /^Step 1 was "a" when it was stored, and is "b" now/)
  assert.match(task.changes[1] ?? '', /^Step 2 was "sleep"/)
  const short = task.begin()
  await short.step('a', () => 1)
  const end = task.end(short)
  end.catch(() => undefined)
  await turn(task.clock)
  await assert.rejects(end, /ends before it/)
})

test('names that are taken or no names, tries and times that are none are refused', async () => {
  const steps = aTask().begin()
  await steps.step('a', () => 1)
  for (const wrong of [
    () => steps.step('a', () => 1),
    () => steps.step('sleep', () => 1),
    () => steps.step('a b', () => 1),
    () => steps.step('c', () => 1, { attempts: 1.5 }),
    () => steps.step('d', () => 1, { attempts: 2, backoff: { type: 'fixed', delayMs: -1 } }),
    () => steps.step('e', () => 'x'.repeat(300_000)),
    () => steps.step('f', () => steps.step('g', () => 1)),
    () => steps.step('h', () => steps.sleep(1)),
    () => steps.sleep(Number.POSITIVE_INFINITY),
    () => steps.sleep(new Date('nonsense')),
  ])
    await assert.rejects(wrong(), CarillonError.is)
})

test('of an attempt that is over, or is to stop, no step begins', async () => {
  const task = aTask()
  const steps = task.begin()
  const goOn = signal()
  void (async () => {
    await steps.step('a', () => new Promise((resolve) => setImmediate(resolve)))
    await steps.step('b', () => 'before the sleep')
    await goOn.fired
    await steps.step('c', () => assert.fail('begun after it'))
  })()
  void steps.sleep(60_000)
  await turn(task.clock)
  assert.deepEqual([task.suspended.length, task.entries.get(2)?.name], [1, 'b'])
  goOn.fire()
  await turn(task.clock)
  assert.equal(task.entries.size, 3)
  task.stop.abort(new Error('cancelled'))
  await assert.rejects(
    task.begin().step('a', () => assert.fail('begun')),
    /cancelled/,
  )
})

test('a step that is not awaited is awaited at the end, and its failure is not lost', async () => {
  const task = aTask()
  const steps = task.begin()
  const goOn = signal()
  void steps.step('audit', async () => {
    await goOn.fired
    throw new Error('no room')
  })
  const end = task.end(steps)
  await turn(task.clock)
  goOn.fire()
  await turn(task.clock)
  await end
  assert.throws(() => task.pending.check(), /no room/)
})

test('what follows a short sleep that is not awaited is awaited at the end', async () => {
  const task = aTask()
  const steps = task.begin()
  void steps.sleep(500).then(() => steps.step('after', () => 1))
  const end = task.end(steps)
  await turn(task.clock)
  task.clock.elapse(500)
  await turn(task.clock)
  await end
  assert.equal(task.entries.get(1)?.name, 'after')
})

test('waits for signals end the attempt when nothing is under way: with the earliest time limit, or none', async () => {
  const task = aTask()
  const [paid, go] = [
    { step: 0, signal: 'paid' },
    { step: 1, signal: 'go' },
  ]
  const first = task.begin()
  void first.waitFor('paid')
  await turn(task.clock)
  assert.deepEqual(task.suspended, [{ delayMs: undefined, waits: [paid] }])
  const second = task.begin()
  void Promise.all([second.waitFor('paid'), second.waitFor('go', { timeoutMs: 5_000 }), second.sleep(60_000)])
  await turn(task.clock)
  assert.deepEqual(task.suspended[1], { delayMs: 5_000, waits: [paid, go] })
  task.entries.set(0, { index: 0, name: 'paid', state: 'received', tries: 2, failures: 0, result: { ref: 1 }, at: '' })
  task.entries.set(1, { index: 1, name: 'go', state: 'timed_out', tries: 2, failures: 0, at: '' })
  const third = task.begin()
  assert.deepEqual(await Promise.all([third.waitFor('paid'), third.waitFor('go', { timeoutMs: 5_000 })]), [{ ref: 1 }, undefined])
})

test('a wait in the place of a step, and a step in that of a wait, is a changed program; a wait within a step is refused', async () => {
  const task = aTask()
  await task.begin().step('paid', () => 1)
  void task.begin().waitFor('paid')
  await turn(task.clock)
  assert.match(task.changes.join(), /^Step 1 was "paid" .* is a wait for signal "paid" now/)
  const steps = aTask().begin()
  await assert.rejects(
    steps.step('a', () => steps.waitFor('paid')),
    { code: 'INVALID_REQUEST' },
  )
  await assert.rejects(aTask().begin().waitFor('not a name'), { code: 'INVALID_NAME' })
  await assert.rejects(aTask().begin().waitFor('paid', { timeoutMs: -1 }), { code: 'INVALID_DELAY' })
  await assert.rejects(
    aTask()
      .begin()
      .waitFor('paid', { schema: {} as never }),
    { code: 'INVALID_REQUEST' },
  )
})

test('a child run is a step: its attempt ends until the run has, and then its result is stored', async () => {
  const task = aTask()
  const wait = (steps: Steps) => steps.run('part', { key: 'k', run: { job: 'part' } })
  void wait(task.begin())
  await turn(task.clock)
  assert.deepEqual(task.suspended, [{ delayMs: undefined, waits: [{ step: 0, signal: 'part', child: 'childk' }] }])
  task.children.set('k', { runId: 'childk', state: 'succeeded', result: { n: 1 } })
  assert.deepEqual(await wait(task.begin()), { n: 1 })
  assert.equal(task.entries.get(0)?.state, 'done')
  task.children.clear()
  assert.deepEqual(await wait(task.begin()), { n: 1 })
})

test('a detached child run is a step that is done when it is started: its result is the id, whatever becomes of it (48)', async () => {
  const task = aTask()
  const start = (steps: Steps) => steps.run('part', { key: 'k', detached: true, run: { job: 'part' } })
  assert.deepEqual(await start(task.begin()), { runId: 'childk' })
  assert.deepEqual([task.suspended, task.entries.get(0)?.state], [[], 'done'])
  task.children.set('k', { runId: 'childk', state: 'failed' })
  assert.deepEqual(await start(task.begin()), { runId: 'childk' })
})

test('a child run that did not succeed fails its step for good', async () => {
  const task = aTask()
  task.children.set('k', { runId: 'c1', state: 'failed', failure: { name: 'Error', message: 'no money' } })
  for (let i = 0; i < 2; i++)
    await assert.rejects(task.begin().run('part', { key: 'k', run: { job: 'part' } }), {
      name: 'ChildRunFailed',
      message: 'run c1 ended as failed: no money',
    })
})
