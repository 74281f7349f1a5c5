import assert from 'node:assert/strict'
import { test } from 'node:test'
import { InstanceRoom } from './instance-room.ts'

const [PROBE_AFTER_MS, SILENT_MS] = [20, 100]

/** The room of an instance, to which so many tasks are sent at once. */
function aRoom() {
  const room = new InstanceRoom('s1')
  let tasks = 0
  return {
    room,
    send(count: number, now: number): { request: number; ids: string[] } {
      const ids = Array.from({ length: count }, () => `t${++tasks}`)
      for (const id of ids) room.add(id)
      return { request: room.sent(count, now), ids }
    },
  }
}

/** With the answer to a first request about one task: it is taken. */
function anAnswered({ most, others = 0 }: { most: number; others?: number }) {
  const made = aRoom()
  const first = made.send(1, 0)
  made.room.answered(first.request, { declined: [], held: 1 + others, most }, 0)
  return { ...made, first: first.ids[0] as string }
}

test('an instance is assigned one task, and no further one before it has answered', () => {
  const { room, send } = aRoom()
  assert.equal(room.free(0), 1)
  const { request } = send(1, 0)
  assert.equal(room.free(0), 0)
  assert.equal(room.free(PROBE_AFTER_MS + 1), 0)
  room.answered(request, { declined: [], held: 1, most: 10 }, 1)
  assert.equal(room.free(1), 9)
})

test('each task that is assigned takes room, and each one that ends gives it back', () => {
  const { room, send, first } = anAnswered({ most: 4 })
  const { ids } = send(3, 1)
  assert.equal(room.free(1), 0)
  assert.equal(room.remove(ids[0] as string), true)
  assert.equal(room.remove(first), true)
  assert.equal(room.free(1), 2)
  assert.equal(room.remove(first), false)
  assert.equal(room.free(1), 2)
})

test('what an instance has of others takes room, until it says that it has less', () => {
  const { room, send, first } = anAnswered({ most: 5, others: 3 })
  assert.equal(room.free(0), 1)
  room.remove(first)
  assert.equal(room.free(0), 2)
  const { request } = send(2, 1)
  room.answered(request, { declined: [], held: 3, most: 5 }, 1)
  assert.equal(room.free(1), 2)
})

test('what is declined takes no room', () => {
  const { room, send, first } = anAnswered({ most: 3 })
  const { request, ids } = send(2, 1)
  room.answered(request, { declined: ids, held: 1, most: 3 }, 1)
  assert.equal(room.free(1), 2)
  assert.deepEqual([...room.assigned], [first])
})

test('tasks of a later request are not among those that an answer counts', () => {
  const { room, send } = anAnswered({ most: 10 })
  const before = send(2, 1)
  send(3, 1)
  room.answered(before.request, { declined: [], held: 3, most: 10 }, 1)
  assert.equal(room.free(1), 4)
  assert.equal([...room.assigned].length, 6)
})

test('an instance that has fewer than it was assigned has ended the oldest ones, of which another coordinator was told', () => {
  const { room, send } = anAnswered({ most: 10 })
  const { request, ids } = send(3, 1)
  room.answered(request, { declined: [], held: 2, most: 10 }, 1)
  assert.deepEqual([...room.assigned], ids.slice(1))
  assert.equal(room.free(1), 8)
})

test('an instance that does not answer is assigned nothing, until it does', () => {
  const { room, send } = anAnswered({ most: 10 })
  const { request } = send(1, 1)
  assert.equal(room.free(1 + SILENT_MS), 8)
  assert.equal(room.free(2 + SILENT_MS), 0)
  room.answered(request, { declined: [], held: 2, most: 10 }, 3 + SILENT_MS)
  assert.equal(room.free(3 + SILENT_MS), 8)
})

test('after a request without an answer an instance is asked with one task, until it answers', () => {
  const { room, send } = anAnswered({ most: 10 })
  const { request } = send(1, 1)
  room.answered(request, undefined, 2_001)
  assert.equal(room.free(2_001), 0)
  const later = 2_001 + PROBE_AFTER_MS + 1
  assert.equal(room.free(later), 1)
  room.answered(send(1, later).request, { declined: [], held: 3, most: 10 }, later)
  assert.equal(room.free(later), 7)
})

test('an instance without room is asked again with one task after a while, and then after its answer', () => {
  const { room, send } = anAnswered({ most: 2, others: 5 })
  assert.equal(room.free(PROBE_AFTER_MS), 0)
  assert.equal(room.free(PROBE_AFTER_MS + 1), 1)
  const { request } = send(1, PROBE_AFTER_MS + 1)
  assert.equal(room.free(PROBE_AFTER_MS + 2), 0)
  room.answered(request, { declined: ['t2'], held: 6, most: 2 }, PROBE_AFTER_MS + 2)
  assert.equal(room.free(PROBE_AFTER_MS + 3), 0)
  assert.equal(room.free(2 * PROBE_AFTER_MS + 3), 1)
})

test('an instance that takes nothing now, as one that is cordoned, is assigned nothing but what asks it', () => {
  const { room, send, first } = anAnswered({ most: 10 })
  const { request, ids } = send(1, 1)
  room.answered(request, { declined: ids, held: 0, most: 0 }, 1)
  assert.equal(room.remove(first), false)
  assert.equal(room.free(1), 0)
  assert.equal(room.free(2 + PROBE_AFTER_MS), 1)
})
