import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AckReader, AckSlots } from './ack-slots.ts'

function shared() {
  const reader = new AckReader()
  let segments = 0
  const slots = new AckSlots((memory) => {
    segments++
    reader.add(memory)
  })
  return { slots, reader, segments: () => segments }
}
const task = (ackSubject: string | undefined, taskId = 'run0', attempt = 1) => ({ ackSubject, work: { taskId, attempt } })
const rounds = (reader: AckReader, count: number) => Array.from({ length: count }, () => reader.due())

test('what is held is due from the third round on, then every third', () => {
  const { slots, reader } = shared()
  slots.take(task('$JS.ACK.one'))
  assert.deepEqual(
    rounds(reader, 9).map((due) => due.length),
    [0, 0, 1, 0, 0, 1, 0, 0, 1],
  )
})

test('what was released is not due any more, and its slot is another one when it is taken again', () => {
  const { slots, reader } = shared()
  const one = slots.take(task('one'))
  rounds(reader, 2)
  slots.release(one)
  assert.equal(slots.take(task('two')), one)
  assert.deepEqual(rounds(reader, 3), [[], [], ['two']])
})

test('a redelivery replaces the subject', () => {
  const { slots, reader } = shared()
  const slot = slots.take(task('delivery 1'))
  rounds(reader, 3)
  slots.put(slot, task('delivery 2'))
  assert.deepEqual(rounds(reader, 3), [[], [], ['delivery 2']])
})

test('memory grows with what is held, and no further', () => {
  const { slots, reader, segments } = shared()
  const held = Array.from({ length: 1_000 }, (_, i) => slots.take(task(`subject ${i}`)))
  assert.equal(segments(), 4)
  assert.equal(new Set(held).size, held.length)
  assert.equal(rounds(reader, 3)[2]?.length, held.length)
  for (const slot of held) slots.release(slot)
  for (let i = 0; i < 1_000; i++) slots.take(task(`another ${i}`))
  assert.equal(segments(), 4)
})

test('a subject that is longer than any is left to the broker', () => {
  const { slots, reader } = shared()
  slots.take(task('x'.repeat(1_000)))
  assert.deepEqual(rounds(reader, 4).flat(), [])
})

test('the thread finds tasks by their state, also those that were offered and have nothing to be acknowledged', () => {
  const { slots, reader } = shared()
  const [waiting, begun, offered] = [task('one', 'run1'), task('two', 'run2-00003', 7), task(undefined, 'run3')]
  const [first, second, third] = [slots.take(waiting), slots.take(begun), slots.take(offered)]
  slots.mark(second, 'begun')
  slots.mark(third, 'begun')
  assert.deepEqual([reader.held('waiting'), reader.held('begun'), reader.held('reported')], [[waiting], [begun, offered], []])
  slots.put(second, { ...begun, ackSubject: 'redelivered' })
  slots.mark(third, 'reported')
  assert.deepEqual(reader.held('begun'), [{ ...begun, ackSubject: 'redelivered' }])
  for (const slot of [first, second, third]) slots.release(slot)
  slots.take(waiting)
  assert.deepEqual([reader.held('waiting'), reader.held('begun'), reader.held('reported')], [[waiting], [], []])
})

test('of an assigned task that waits each thread can take what the other has not: it is begun, or released', () => {
  const { slots, reader } = shared()
  const tasks = ['begins', 'waits', 'claimed', 'pulled', 'kept'].map((taskId) =>
    task(taskId === 'pulled' ? 'delivery' : undefined, taskId, 3),
  )
  const [begins = 0, waits = 0, , , kept = 0] = tasks.map((one) => slots.take(one))
  for (const slot of [begins, waits, kept]) slots.mark(slot, 'assigned')
  assert.equal(slots.keep(begins), true)
  slots.mark(begins, 'begun')
  assert.equal(slots.keep(kept), true)
  assert.deepEqual(reader.held('assigned'), [tasks[1]])
  assert.deepEqual(reader.release(), [tasks[1]])
  assert.deepEqual([slots.keep(waits), slots.keep(kept), reader.release()], [false, true, []])
  assert.deepEqual([reader.held('begun'), reader.held('released')], [[tasks[0]], [tasks[1]]])
  slots.release(waits)
  assert.equal(slots.take(task('next')), waits)
  assert.deepEqual([slots.keep(waits), reader.release()], [true, []], 'the next task in its place is another one')
})
