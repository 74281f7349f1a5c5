import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type ClaimAnswer, HEADERS, type TaskClaim, TIMES, type WorkMessage } from '@carillon/contracts'
import { FakeClock } from '@carillon/wire/testing'
import type { Msg } from '@nats-io/transport-node'
import type { Caller } from '../client/caller.ts'
import type { Link } from '../connection/link.ts'
import { HeldTask, HeldTasks } from './held-task.ts'
import { Intake } from './intake.ts'
import type { Lane } from './lane.ts'
import { ACK } from './work.ts'

interface Question {
  readonly input: TaskClaim
  readonly answer: (answer: ClaimAnswer) => void
}

/** An intake, and what leaves it. The broker brings a task twice only by chance: here it is a matter of a line. */
function anIntake() {
  const clock = new FakeClock()
  const held = new HeldTasks()
  const answers: [string, string][] = []
  const reports: string[] = []
  const begun: HeldTask[] = []
  const waiting: HeldTask[] = []
  const questions: Question[] = []
  const orders: boolean[] = []
  const lane = {
    handler: { name: 'h' },
    running: [],
    asking: 0,
    takesOffers: true,
    pulled: () => undefined,
    add: (task: HeldTask) => void begun.push(task),
    take: () => waiting.splice(0),
  }
  const call = (_call: unknown, input: TaskClaim) => new Promise<ClaimAnswer>((answer) => void questions.push({ input, answer }))
  const intake = new Intake({
    link: { publish: (subject: string, body: string) => void answers.push([subject, body]) } as unknown as Link,
    caller: { call } as unknown as Caller,
    clock,
    instance: 'me',
    session: 's1',
    held,
    lanes: new Map([['h', lane as unknown as Lane]]),
    onWarning: () => undefined,
    onDrain: () => undefined,
    onRegister: () => undefined,
    onCordon: (isCordoned) => void orders.push(isCordoned),
    report: (text, stored) => {
      reports.push(text)
      stored()
    },
  })
  return { intake, clock, waiting, lane: lane as unknown as Lane, held, answers, reports, begun, questions, orders }
}

function closedIntake() {
  const all = anIntake()
  all.intake.close()
  return all
}

/** What was put off to microtasks has been done. */
const settled = () => new Promise<void>((resolve) => setImmediate(resolve))

const workOf = (taskId: string): WorkMessage => ({ runId: taskId, taskId, handler: 'h', attempt: 1, payload: null })
const ackOf = (taskId: string, delivered: number, sequence = 1) => `$JS.ACK.WORK.default~h.${delivered}.${sequence}.1.${taskId}.0`
const messageOf = (taskId: string, delivered: number, sequence = 1) =>
  ({ subject: 's', reply: ackOf(taskId, delivered, sequence), json: () => workOf(taskId) }) as unknown as Msg
const cancelOf = (taskId: string) => ({ subject: 'c', json: () => ({ type: 'cancel', taskId }) }) as unknown as Msg
const taskOf = (taskId: string) => new HeldTask(workOf(taskId), messageOf(taskId, 1), { heldAt: 0, ackSubject: ackOf(taskId, 1) })

test('after the end, a first delivery is reported as released and returned', () => {
  const { intake, lane, answers, reports } = closedIntake()
  assert.equal(intake.takeWork(lane, messageOf('new', 1)), false)
  assert.deepEqual(
    reports.map((text) => JSON.parse(text).type),
    ['released'],
  )
  assert.deepEqual(answers, [[ackOf('new', 1), ACK.giveBack]])
})

test('after the end, a redelivery is returned without a report', () => {
  const { intake, lane, answers, reports } = closedIntake()
  intake.giveBackBegun(taskOf('begun'))
  // As new: the broker was wiped, and its work published again.
  intake.takeWork(lane, messageOf('begun', 1))
  intake.takeWork(lane, messageOf('elsewhere', 2))
  assert.deepEqual(reports, [])
  assert.deepEqual(answers, [
    [ackOf('begun', 1), ACK.giveBack],
    [ackOf('begun', 1), ACK.giveBack],
    [ackOf('elsewhere', 2), ACK.giveBack],
  ])
})

test('after the end, a redelivery of what still runs only brings where to acknowledge it', () => {
  const { intake, lane, held, answers, reports } = closedIntake()
  const task = taskOf('runs')
  held.add(task)
  intake.takeWork(lane, messageOf('runs', 2))
  assert.deepEqual([answers, reports, task.ackSubject], [[[ackOf('runs', 2), ACK.working]], [], ackOf('runs', 2)])
})

test('a redelivery of what has ended here is acknowledged at once; another message of the same attempt is claimed', () => {
  const { intake, lane, held, answers, begun, questions } = anIntake()
  held.end(taskOf('done'))
  intake.takeWork(lane, messageOf('done', 1))
  intake.takeWork(lane, messageOf('done', 2))
  assert.deepEqual(answers, [
    [ackOf('done', 1), ACK.done],
    [ackOf('done', 2), ACK.done],
  ])
  // The stream of reports was lost, and the work published again.
  intake.takeWork(lane, messageOf('done', 1, 7))
  assert.deepEqual([begun, questions.map(({ input }) => [input.taskId, input.redelivered])], [[], [['done', false]]])
})

test('what a restarted broker may have delivered before is claimed, what was published since is run', () => {
  const { intake, lane, begun, questions } = anIntake()
  intake.forgetsUpTo(5)
  intake.takeWork(lane, messageOf('old', 1, 5))
  intake.takeWork(lane, messageOf('new', 1, 6))
  assert.deepEqual([begun.map(({ work }) => work.taskId), questions.map(({ input }) => input.taskId)], [['new'], ['old']])
})

test('while it is cordoned, what comes is released and offers are refused; an offer that is here already is not', () => {
  const { intake, lane, held, answers, reports, begun, orders } = anIntake()
  for (const type of ['cordon', 'uncordon']) intake.takeControl({ subject: 'c', json: () => ({ type }) } as unknown as Msg)
  assert.deepEqual(orders, [true, false])
  intake.isCordoned = true
  assert.equal(intake.takeWork(lane, messageOf('new', 1)), false)
  held.add(new HeldTask(workOf('leg'), messageOf('leg', 1), { heldAt: 0 }))
  for (const taskId of ['leg', 'other'])
    intake.takeOffer({ ...messageOf(taskId, 1), reply: `inbox.${taskId}`, json: () => workOf(taskId) } as unknown as Msg)
  assert.deepEqual(answers, [
    [ackOf('new', 1), ACK.giveBack],
    ['inbox.leg', '{"accepted":true}'],
    ['inbox.other', '{"accepted":false,"reason":"cordoned"}'],
  ])
  assert.deepEqual([reports.map((text) => JSON.parse(text).type), begun], [['released'], []])
  intake.isCordoned = false
  assert.equal(intake.takeWork(lane, messageOf('later', 1)), true)
})

test('what is claimed when the executor is cordoned is released when the claim is granted', async () => {
  const { intake, lane, held, answers, reports, begun, questions } = anIntake()
  intake.takeWork(lane, messageOf('again', 2))
  intake.isCordoned = true
  questions[0]?.answer({ run: true, attempt: 2 })
  await settled()
  assert.deepEqual(
    [begun, reports.map((text) => JSON.parse(text)), answers, held.find(workOf('again'))],
    [[], [{ runId: 'again', taskId: 'again', attempt: 2, type: 'released' }], [[ackOf('again', 2), ACK.giveBack]], undefined],
  )
})

test('an attempt that a claim made of a message takes its redeliveries over', async () => {
  const { intake, lane, held, answers, begun, questions } = anIntake()
  intake.takeWork(lane, messageOf('again', 2))
  questions[0]?.answer({ run: true, attempt: 3 })
  await settled()
  assert.deepEqual(
    begun.map(({ work }) => work.attempt),
    [3],
  )
  intake.takeWork(lane, messageOf('again', 3))
  assert.deepEqual([questions.length, answers], [1, [[ackOf('again', 3), ACK.working]]])
  held.remove(begun[0] as HeldTask)
  assert.deepEqual([held.find(workOf('again')), held.find({ taskId: 'again', attempt: 3 })], [undefined, undefined])
})

test('a cancel that arrives during a claim is not lost: the task is claimed again', async () => {
  const { intake, lane, held, answers, begun, questions } = anIntake()
  intake.takeWork(lane, messageOf('late', 2))
  intake.takeControl(cancelOf('late'))
  questions[0]?.answer({ run: true, attempt: 2 })
  await settled()
  assert.deepEqual(
    questions.map(({ input }) => input.redelivered),
    [true, false],
  )
  questions[1]?.answer({ run: false, reason: 'the run is cancelled' })
  await settled()
  assert.deepEqual([begun, held.find(workOf('late')), answers], [[], undefined, [[ackOf('late', 2), ACK.done]]])
})

test('a task that is cancelled before it begins is claimed: what waits for its end learns that it has not begun', async () => {
  const { intake, held, answers, waiting, begun, questions } = anIntake()
  const task = taskOf('waits')
  held.add(task)
  waiting.push(task)
  intake.takeControl(cancelOf('waits'))
  assert.deepEqual(
    questions.map(({ input }) => [input.taskId, input.redelivered]),
    [['waits', false]],
  )
  questions[0]?.answer({ run: false, reason: 'the task is cancelled: replaced' })
  await settled()
  assert.deepEqual([begun, held.find(workOf('waits')), answers.length], [[], undefined, 1])
})

test('what is read after a long pause of this process may be run by another instance: it is claimed', () => {
  const { intake, clock, lane, waiting, begun, questions } = anIntake()
  waiting.push(taskOf('waits'))
  clock.elapse(9_000)
  intake.takeWork(lane, messageOf('first', 1))
  intake.awake()
  intake.takeWork(lane, messageOf('second', 1))
  clock.elapse(3_000)
  intake.awake()
  intake.takeWork(lane, messageOf('third', 1))
  assert.deepEqual(
    questions.map(({ input }) => [input.taskId, input.redelivered]),
    [
      ['first', false],
      ['waits', false],
      ['second', false],
    ],
  )
  assert.deepEqual(
    begun.map(({ work }) => work.taskId),
    ['third'],
  )
})

test('work of a run with a deadline is claimed before it begins, also when it is offered', async () => {
  const { intake, lane, begun, questions } = anIntake()
  const claimed = (taskId: string) =>
    ({ ...messageOf(taskId, 1), reply: 'inbox', json: () => ({ ...workOf(taskId), claim: true }) }) as unknown as Msg
  intake.takeWork(lane, { ...claimed('one'), reply: messageOf('one', 1).reply } as Msg)
  intake.takeOffer(claimed('two'))
  assert.deepEqual(
    [begun.length, questions.map(({ input }) => [input.taskId, input.redelivered])],
    [
      0,
      [
        ['one', false],
        ['two', false],
      ],
    ],
  )
  questions[0]?.answer({ run: true, attempt: 1 })
  questions[1]?.answer({ run: false, reason: 'the run is expired' })
  await settled()
  assert.deepEqual(
    begun.map(({ work }) => work.taskId),
    ['one'],
  )
})

test('an offer that was overtaken by its cancel is claimed', async () => {
  const { intake, held, answers, begun, questions } = anIntake()
  intake.takeControl(cancelOf('leg'))
  intake.takeOffer({ ...messageOf('leg', 1), reply: 'inbox', json: () => workOf('leg') } as unknown as Msg)
  assert.deepEqual(answers, [['inbox', '{"accepted":true}']])
  questions[0]?.answer({ run: false, reason: 'the task is cancelled' })
  await settled()
  assert.deepEqual([begun, held.find(workOf('leg'))], [[], undefined])
})

test('an offer that is meant for another process of this name is left to it', () => {
  const { intake, answers, begun } = anIntake()
  const offerTo = (session: string) => {
    const headers = { get: (name: string) => (name === HEADERS.session ? session : '') }
    intake.takeOffer({ ...messageOf('leg', 1), reply: 'inbox', headers, json: () => workOf('leg') } as unknown as Msg)
  }
  offerTo('s2')
  assert.deepEqual([answers, begun.length], [[], 0])
  offerTo('s1')
  assert.deepEqual([answers, begun.length], [[['inbox', '{"accepted":true}']], 1])
})

test('a broker that was restarted may have lost the report of what has ended here: that is claimed, and is no loss', () => {
  const { intake, lane, held, answers, begun, questions } = anIntake()
  held.end(taskOf('done'))
  intake.forgetsUpTo(5)
  intake.takeWork(lane, messageOf('done', 2))
  assert.deepEqual([answers, begun, questions.map(({ input }) => input.redelivered)], [[], [], [false]])
})

test('an executor that is checked for a task it does not run reports that', () => {
  const { intake, clock, lane, held, reports } = anIntake()
  const check = (taskId: string) =>
    intake.takeControl({ subject: 'c', json: () => ({ type: 'check', runId: taskId, taskId, attempt: 1 }) } as unknown as Msg)
  held.add(taskOf('runs'))
  intake.takeWork(lane, messageOf('asking', 2))
  for (const taskId of ['runs', 'asking', 'unknown']) check(taskId)
  assert.deepEqual(reports, [])
  clock.elapse(TIMES.ackWaitMs)
  assert.deepEqual(
    reports.map((text) => JSON.parse(text)),
    [{ runId: 'unknown', taskId: 'unknown', attempt: 1, type: 'released' }],
  )
})

test('after the end nothing waits to be answered: the process can end', async () => {
  const { intake, clock, reports } = closedIntake()
  intake.takeControl({ subject: 'c', json: () => ({ type: 'check', runId: 'r', taskId: 'r', attempt: 1 }) } as unknown as Msg)
  assert.equal(clock.armed, 0)
  await clock.elapse(TIMES.ackWaitMs)
  assert.deepEqual(reports, [])
})
