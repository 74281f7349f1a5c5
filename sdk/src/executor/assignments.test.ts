import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { WorkMessage } from '@carillon/contracts'
import { settle } from '@carillon/wire/testing'
import { AckReader, AckSlots } from '../liveness/ack-slots.ts'
import { ackOf, IntakeFixture } from '../testing/intake-fixture.ts'
import { offeredHandler } from './handler.ts'
import { ACK } from './work.ts'

/** An executor of handler `h`, and the ids of the tasks that it has begun. They go on until `proceed` is called. */
function executor({ concurrency = 10, ...more }: { concurrency?: number; version?: string } = {}) {
  const begun: string[] = []
  const running: (() => void)[] = []
  const handler = offeredHandler(
    'h',
    (context) => {
      begun.push(context.taskId)
      return new Promise<void>((resolve) => void running.push(resolve))
    },
    { concurrency, ...more },
  )
  const fixture = new IntakeFixture([handler])
  const proceed = async () => {
    for (const end of running.splice(0)) end()
    await settle()
  }
  /** A first task that was short, so that others are taken ahead of free slots. */
  const warm = async () => {
    fixture.assign([workOf('first')])
    await settle()
    await proceed()
    begun.length = 0
  }
  return { fixture, begun, proceed, warm }
}

const workOf = (taskId: string, more: Partial<WorkMessage> = {}): WorkMessage => ({
  ...{ runId: taskId, taskId, handler: 'h', attempt: 1, payload: null },
  ...more,
})
const claimed = ({ questions }: IntakeFixture) => questions.map(({ input }) => input.taskId)
const codes = ({ warnings }: IntakeFixture) => warnings.map(({ code }) => code)

test('what there is room for is taken and begins; the rest is declined, and the answer says how many it has', async () => {
  const { fixture, begun, proceed } = executor({ concurrency: 2 })
  assert.deepEqual(fixture.assign(['a', 'b', 'c'].map((id) => workOf(id))), { declined: ['c'], held: 2, most: 2 })
  assert.deepEqual(begun, [], 'not before all of them are taken')
  await settle()
  assert.deepEqual(begun, ['a', 'b'])
  await proceed()
  assert.deepEqual(fixture.assign([workOf('d')]), { declined: [], held: 1, most: 18 }, 'the tasks were short: more are taken ahead')
})

test('a body that is no JSON is not answered; what is no work message is declined if its task is known, and the rest goes on', async () => {
  const { fixture, begun } = executor()
  assert.equal(fixture.assign('[{"runId'), undefined)
  assert.deepEqual(codes(fixture), ['work-not-understood'])
  const bodies = [null, 7, {}, { taskId: 'not an id!' }, { taskId: 'known' }, workOf('wrong', { attempt: 0 }), workOf('right')]
  assert.deepEqual(fixture.assign(bodies), { declined: ['known', 'wrong'], held: 1, most: 10 })
  assert.deepEqual(codes(fixture), Array(7).fill('work-not-understood'))
  await settle()
  assert.deepEqual(begun, ['right'])
})

test('an assignment to another process of this name is not answered', async () => {
  const { fixture, begun } = executor()
  assert.deepEqual([fixture.assign([workOf('a')], 's2'), fixture.assign([workOf('a')], '')], [undefined, undefined])
  await settle()
  assert.deepEqual([begun, fixture.held.find(workOf('a')), codes(fixture)], [[], undefined, []])
})

test('tasks that this executor cannot run are declined: of an unknown handler, of another program, of a handler whose runs have tasks', async () => {
  const { fixture, begun } = executor({ version: 'v2' })
  const works = [workOf('unknown', { handler: 'other' }), workOf('old', { program: 'h@v1' }), workOf('new', { program: 'h@v2' })]
  assert.deepEqual(fixture.assign(works), { declined: ['unknown', 'old'], held: 1, most: 10 })
  await settle()
  assert.deepEqual(begun, ['new'])
  const mapping = new IntakeFixture([{ ...offeredHandler('h', () => assert.fail('it is to be planned')), kind: 'map' }])
  assert.deepEqual(mapping.assign([workOf('a')])?.declined, ['a'])
  await settle()
})

for (const [why, refuse] of Object.entries({
  'has stopped': ({ intake }: IntakeFixture) => intake.close(),
  'is cordoned': ({ intake }: IntakeFixture) => {
    intake.isCordoned = true
  },
}))
  test(`an executor that ${why} declines new tasks, but none that it has or has done: another one would do it again in the same attempt`, async () => {
    const { fixture, begun, proceed } = executor()
    fixture.assign([workOf('done')])
    await settle()
    await proceed()
    fixture.confirm()
    fixture.assign([workOf('runs')])
    await settle()
    refuse(fixture)
    const works = ['done', 'runs', 'new'].map((id) => workOf(id))
    assert.deepEqual(fixture.assign(works), { declined: ['new'], held: fixture.intake.isClosed ? 0 : 1, most: 0 })
    // Its report may be lost: a coordinator is asked, but by an executor that ends.
    assert.deepEqual(claimed(fixture), fixture.intake.isClosed ? [] : ['done'])
    await settle()
    assert.deepEqual([begun, fixture.reports.map(({ taskId }) => taskId).filter((id) => id !== 'new')], [['done', 'runs'], []])
  })

test('a task that is held is taken, and not run twice', async () => {
  const { fixture, begun } = executor({ concurrency: 1 })
  fixture.assign([workOf('a')])
  assert.deepEqual(fixture.assign([workOf('a')])?.declined, [])
  await settle()
  assert.deepEqual(fixture.assign([workOf('a'), workOf('b')])?.declined, ['b'])
  fixture.pull('h', workOf('a'))
  assert.deepEqual(fixture.answers, [[ackOf('a', 1), ACK.working]])
  await settle()
  assert.deepEqual(begun, ['a'])
})

test('one that has ended here is remembered: however it comes again, a coordinator is asked', async () => {
  const { fixture, begun, proceed } = executor({ concurrency: 1 })
  fixture.assign([workOf('a')])
  await settle()
  await proceed()
  assert.deepEqual(fixture.assign([workOf('a')])?.declined, [], 'its report is on its way')
  assert.deepEqual(claimed(fixture), [])
  fixture.confirm()
  const again = [
    () => assert.deepEqual(fixture.assign([workOf('a')])?.declined, []),
    () => fixture.pull('h', workOf('a')),
    // What the answer to a claim was does not make it forget.
    () => assert.deepEqual(fixture.assign([workOf('a')])?.declined, []),
  ]
  for (const [index, come] of again.entries()) {
    come()
    assert.deepEqual(claimed(fixture), Array(index + 1).fill('a'))
    fixture.questions[index]?.answer({ run: false, reason: 'the run is succeeded' })
    await settle()
  }
  assert.deepEqual([begun, fixture.reports], [['a'], []])
})

test('tasks of runs with a deadline, and those that were cancelled before they came, are claimed', async () => {
  const { fixture, begun } = executor()
  fixture.intake.takeControl({ subject: 'c', json: () => ({ type: 'cancel', taskId: 'cancelled' }) } as never)
  assert.deepEqual(fixture.assign([workOf('cancelled'), workOf('due', { claim: true }), workOf('plain')]), {
    declined: [],
    held: 3,
    most: 10,
  })
  await settle()
  assert.deepEqual([begun, claimed(fixture)], [['plain'], ['cancelled', 'due']])
  fixture.questions[0]?.answer({ run: false, reason: 'the run is cancelled' })
  fixture.questions[1]?.answer({ run: true, attempt: 1 })
  await settle()
  assert.deepEqual([begun, fixture.held.find(workOf('cancelled'))], [['plain', 'due'], undefined])
})

test('what waited while the process was suspended is claimed, and so is what is read after that', async () => {
  const { fixture, begun, warm } = executor({ concurrency: 2 })
  await warm()
  fixture.offer(workOf('offered'))
  fixture.assign(['runs', 'waits'].map((id) => workOf(id)))
  await settle()
  assert.deepEqual(fixture.offer(workOf('offered-late')), { accepted: true })
  fixture.assign([workOf('late')])
  fixture.clock.elapse(9_000)
  fixture.assign([workOf('before')])
  fixture.intake.awake()
  fixture.assign([workOf('after')])
  await settle()
  assert.deepEqual(
    [begun, claimed(fixture)],
    [
      ['offered', 'runs'],
      ['before', 'waits', 'late', 'after'],
    ],
    'an offer is of this instance alone',
  )
})

test('a claim without an answer when the drain begins: the task is released by a report, because no message of it comes again', async () => {
  const { fixture, begun } = executor()
  fixture.assign([workOf('a', { claim: true }), workOf('b', { claim: true })])
  await settle()
  fixture.questions[1]?.answer({ run: true, attempt: 1 })
  fixture.intake.close()
  await settle()
  assert.deepEqual(fixture.reports.map(({ type, taskId }) => `${type} ${taskId}`).sort(), ['released a', 'released b'])
  assert.deepEqual([begun, fixture.held.find(workOf('a')), fixture.held.find(workOf('b')), fixture.answers], [[], undefined, undefined, []])
})

test('an attempt that a claim made of an offer runs here already: nothing is acknowledged that has no message', async () => {
  const { fixture, begun } = executor()
  fixture.assign([workOf('a', { attempt: 2 })])
  fixture.assign([workOf('a', { claim: true })])
  await settle()
  fixture.questions[0]?.answer({ run: true, attempt: 2 })
  await settle()
  assert.deepEqual([begun, fixture.answers, codes(fixture)], [['a'], [], []])
  assert.notEqual(fixture.held.find(workOf('a', { attempt: 2 })), undefined)
})

test('a declined or released task is in the work queue: an assignment of it that was sent before is declined, though there is room, and work from there begins', async () => {
  const { fixture, begun, proceed } = executor({ concurrency: 1 })
  assert.deepEqual(fixture.assign([workOf('runs'), workOf('declined')])?.declined, ['declined'])
  await settle()
  fixture.clock.elapse(30)
  await proceed()
  assert.deepEqual(fixture.assign([workOf('declined')])?.declined, ['declined'])
  fixture.assign([workOf('released')])
  const lane = fixture.lanes.get('h')
  for (const task of lane?.take(() => true) ?? []) fixture.intake.release(task)
  assert.deepEqual(fixture.assign([workOf('released')])?.declined, ['released'])
  fixture.pull('h', workOf('released'))
  await settle()
  assert.deepEqual([begun, fixture.reports.length], [['runs', 'released'], 1])
})

test('a slot that handlers share is given to one of them', async () => {
  const handlerOf = (name: string, concurrency: number) => offeredHandler(name, () => new Promise(() => undefined), { concurrency })
  const fixture = new IntakeFixture([handlerOf('h', 3), handlerOf('i', 3)], 4)
  const works = (handler: string) => Array.from({ length: 5 }, (_, i) => workOf(`${handler}${i}`, { handler }))
  assert.deepEqual(fixture.assign(works('h')), { declined: ['h3', 'h4'], held: 3, most: 3 })
  assert.deepEqual(
    fixture.assign(works('i')),
    { declined: ['i1', 'i2', 'i3', 'i4'], held: 1, most: 1 },
    'also before the first three have begun',
  )
  await settle()
  assert.deepEqual(fixture.assign([workOf('more')]), { declined: ['more'], held: 3, most: 3 })
  assert.equal(fixture.lanes.get('i')?.occupied, 1)
})

test('a handler without a slot of those that are shared is assigned nothing, however short its tasks are', async () => {
  const running: (() => void)[] = []
  const run = () => new Promise<void>((resolve) => void running.push(resolve))
  const fixture = new IntakeFixture(
    ['h', 'i'].map((name) => offeredHandler(name, run, { concurrency: 1 })),
    1,
  )
  for (const handler of ['h', 'i']) {
    assert.deepEqual(fixture.assign([workOf(`first-${handler}`, { handler })])?.declined, [])
    await settle()
    running.shift()?.()
    await settle()
  }
  assert.deepEqual(fixture.assign([workOf('runs')]), { declined: [], held: 1, most: 17 })
  assert.deepEqual(fixture.assign([workOf('other', { handler: 'i' })]), { declined: ['other'], held: 0, most: 0 })
})

test('a task that the liveness thread has released is not begun, claimed or released again', async () => {
  const { fixture, begun, proceed, warm } = executor({ concurrency: 1 })
  const reader = new AckReader()
  fixture.held.shareWith(new AckSlots((memory) => reader.add(memory)))
  await warm()
  fixture.assign(['runs', 'a', 'b', 'c'].map((id) => workOf(id)))
  await settle()
  assert.deepEqual(
    reader.release().map(({ work }) => work.taskId),
    ['a', 'b', 'c'],
  )
  fixture.intake.takeControl({ subject: 'c', json: () => ({ type: 'cancel', taskId: 'a' }) } as never)
  await proceed()
  assert.deepEqual([begun, claimed(fixture), fixture.reports], [['runs'], [], []])
  assert.deepEqual(fixture.assign(['b', 'd'].map((id) => workOf(id))), { declined: ['b'], held: 1, most: 17 })
  await settle()
  assert.deepEqual([begun, reader.release()], [['runs', 'd'], []], 'one that has begun is not released')
})

test('when work is pulled without a pause, no more is asked for: what is in the work queue is older', async () => {
  const { fixture, begun } = executor({ concurrency: 20 })
  const room = (id: string) => fixture.assign([workOf(id)])?.most
  fixture.pull('h', workOf('0'))
  assert.equal(room('a'), 20, 'it may be the only one')
  for (let i = 1; i <= 5; i++) {
    await fixture.clock.advance(10)
    fixture.pull('h', workOf(String(i)))
  }
  assert.deepEqual(fixture.assign([workOf('b')]), { declined: [], held: 8, most: 8 })
  await fixture.clock.advance(11)
  assert.equal(room('c'), 20)
  fixture.pull('h', workOf('6'))
  assert.equal(room('d'), 20)
  await settle()
  assert.equal(begun.length, 11)
})
