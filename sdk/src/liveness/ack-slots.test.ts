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
const rounds = (reader: AckReader, count: number) => Array.from({ length: count }, () => reader.due())

test('what is held is due from the third round on, then every third', () => {
  const { slots, reader } = shared()
  slots.take('$JS.ACK.one')
  assert.deepEqual(
    rounds(reader, 9).map((due) => due.length),
    [0, 0, 1, 0, 0, 1, 0, 0, 1],
  )
})

test('what was released is not due any more, and its slot is another one when it is taken again', () => {
  const { slots, reader } = shared()
  const one = slots.take('one')
  rounds(reader, 2)
  slots.release(one)
  assert.equal(slots.take('two'), one)
  assert.deepEqual(rounds(reader, 3), [[], [], ['two']])
})

test('a redelivery replaces the subject', () => {
  const { slots, reader } = shared()
  const slot = slots.take('delivery 1')
  rounds(reader, 3)
  slots.put(slot, 'delivery 2')
  assert.deepEqual(rounds(reader, 3), [[], [], ['delivery 2']])
})

test('memory grows with what is held, and no further', () => {
  const { slots, reader, segments } = shared()
  const held = Array.from({ length: 1_000 }, (_, i) => slots.take(`subject ${i}`))
  assert.equal(segments(), 4)
  assert.equal(new Set(held).size, held.length)
  assert.equal(rounds(reader, 3)[2]?.length, held.length)
  for (const slot of held) slots.release(slot)
  for (let i = 0; i < 1_000; i++) slots.take(`another ${i}`)
  assert.equal(segments(), 4)
})

test('a subject that is longer than any is left to the broker', () => {
  const { slots, reader } = shared()
  slots.take('x'.repeat(1_000))
  assert.deepEqual(rounds(reader, 4).flat(), [])
})
