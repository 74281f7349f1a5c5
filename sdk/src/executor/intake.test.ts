import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { WorkMessage } from '@carillon/contracts'
import type { Msg } from '@nats-io/transport-node'
import type { Caller } from '../client/caller.ts'
import type { Link } from '../connection/link.ts'
import { FakeClock } from '../testing/fake-clock.ts'
import { HeldTask, HeldTasks } from './held-task.ts'
import { Intake } from './intake.ts'
import type { Lane } from './lane.ts'
import { ACK } from './work.ts'

const LANE = { handler: { name: 'h' } } as Lane

/** An intake that is closed, and what leaves it. The broker brings a task twice only by chance: here it is a matter of a line. */
function closedIntake() {
  const held = new HeldTasks()
  const answers: [string, string][] = []
  const reports: string[] = []
  const intake = new Intake({
    link: { publish: (subject: string, body: string) => void answers.push([subject, body]) } as unknown as Link,
    caller: {} as Caller,
    clock: new FakeClock(),
    instance: 'me',
    held,
    lanes: new Map([['h', LANE]]),
    onWarning: () => undefined,
    onDrain: () => undefined,
    onRegister: () => undefined,
    report: (text, stored) => {
      reports.push(text)
      stored()
    },
  })
  intake.close()
  return { intake, held, answers, reports }
}

const workOf = (taskId: string): WorkMessage => ({ runId: taskId, taskId, handler: 'h', attempt: 1, payload: null })
const ackOf = (taskId: string, delivered: number) => `$JS.ACK.WORK.default~h.${delivered}.1.1.1.${taskId}`
const messageOf = (taskId: string, delivered: number) =>
  ({ subject: 's', reply: ackOf(taskId, delivered), json: () => workOf(taskId) }) as unknown as Msg
const taskOf = (taskId: string) => new HeldTask(workOf(taskId), messageOf(taskId, 1), { heldAt: 0, ackSubject: ackOf(taskId, 1) })

test('after the end, what nobody has had before is reported as released and given back', () => {
  const { intake, answers, reports } = closedIntake()
  assert.equal(intake.takeWork(LANE, messageOf('new', 1)), false)
  assert.deepEqual(
    reports.map((text) => JSON.parse(text).type),
    ['released'],
  )
  assert.deepEqual(answers, [[ackOf('new', 1), ACK.giveBack]])
})

test('after the end, what may have begun is given back without a word', () => {
  const { intake, answers, reports } = closedIntake()
  intake.giveBackBegun(taskOf('begun'))
  // As new: the broker was wiped, and its work published again.
  intake.takeWork(LANE, messageOf('begun', 1))
  intake.takeWork(LANE, messageOf('elsewhere', 2))
  assert.deepEqual(reports, [])
  assert.deepEqual(answers, [
    [ackOf('begun', 1), ACK.giveBack],
    [ackOf('begun', 1), ACK.giveBack],
    [ackOf('elsewhere', 2), ACK.giveBack],
  ])
})

test('after the end, a redelivery of what still runs only brings where to acknowledge it', () => {
  const { intake, held, answers, reports } = closedIntake()
  const task = taskOf('runs')
  held.add(task)
  intake.takeWork(LANE, messageOf('runs', 2))
  assert.deepEqual([answers, reports, task.ackSubject], [[], [], ackOf('runs', 2)])
})
