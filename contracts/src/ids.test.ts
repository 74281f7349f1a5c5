import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createIdSource, RUN_ID, taskIdOf } from './ids.ts'
import { isName } from './names.ts'

function source(now: () => number): () => string {
  let seed = 1
  return createIdSource(now, (into) => {
    for (let i = 0; i < into.length; i++) {
      seed = (seed * 48_271) % 2_147_483_647
      into[i] = seed & 255
    }
  })
}

test('fresh ids are 26 letters that may be names and run ids', () => {
  const id = source(() => 1_767_225_600_000)()
  assert.equal(id.length, 26)
  assert.match(id, RUN_ID)
  assert.ok(isName(id))
  assert.ok(isName(taskIdOf(id, 1_000_000)))
})

test('ids of one source are unique and sort in the order they were made', () => {
  let now = 1_767_225_600_000
  const next = source(() => now)
  let before = ''
  for (let i = 0; i < 5_000; i++) {
    if (i % 7 === 0) now += i % 3
    const id = next()
    assert.ok(id > before)
    before = id
  }
})

test('a clock that is set back does not unsort ids', () => {
  let now = 1_767_225_600_000
  const next = source(() => now)
  const first = next()
  now -= 3_600_000
  const second = next()
  assert.ok(second > first)
  now += 3_600_001
  assert.ok(next() > second)
})

test('more ids than one millisecond can count still sort', () => {
  const next = source(() => 5)
  let before = ''
  for (let i = 0; i < 32 ** 4 + 2; i++) {
    const id = next()
    if (id <= before) assert.fail(`${id} after ${before}`)
    before = id
  }
})

test('two sources in the same millisecond differ', () => {
  const random = (fill: number) =>
    createIdSource(
      () => 7,
      (into) => into.fill(fill),
    )
  assert.notEqual(random(1)(), random(2)())
})

test('run ids are 16 to 48 small letters and digits', () => {
  for (const id of ['0123456789abcdef', 'z'.repeat(48), '123e4567e89b12d3a456426614174000']) assert.match(id, RUN_ID)
  for (const id of [
    'a'.repeat(15),
    'a'.repeat(49),
    'A'.repeat(20),
    `-${'a'.repeat(20)}`,
    `${'a'.repeat(20)}\n`,
    'a.b'.repeat(8),
    '123e4567-e89b-12d3-a456-426614174000',
  ])
    assert.doesNotMatch(id, RUN_ID)
})
