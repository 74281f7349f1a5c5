import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RowPages } from './row-pages.ts'

interface Row {
  readonly id: string
  readonly state: string
}

const rows = (from: number, count: number) => Array.from({ length: count }, (_none, i): Row => ({ id: `r${from + i}`, state: 'queued' }))
const pages = () => new RowPages<Row>(({ id }) => id)

test('pages come as they are scrolled to; rows keep their place', () => {
  const list = pages()
  assert.deepEqual(list.missing(0, 20), [{ page: 0, cursor: undefined }])
  list.load(0, { items: rows(0, 3), next: 'a' })
  assert.deepEqual([list.count, list.isComplete], [3, false])
  assert.deepEqual(list.missing(0, 2), [{ page: 1, cursor: 'a' }])
  list.load(1, { items: [], next: 'b' })
  list.load(2, { items: rows(3, 2) })
  assert.deepEqual([list.count, list.isComplete, list.row(4)?.id, list.row(5)], [5, true, 'r4', undefined])
  assert.deepEqual(list.missing(0, 4), [])
})

test('a change is made in place, and only to rows in memory', () => {
  const list = pages()
  list.load(0, { items: rows(0, 3) })
  assert.ok(list.patch('r1', (row) => ({ ...row, state: 'running' })))
  assert.deepEqual([list.row(0)?.state, list.row(1)?.state], ['queued', 'running'])
  assert.ok(!list.patch('other', (row) => row))
})

test('of a long list a few thousand rows stay in memory; those that were let go are read again by their cursor', () => {
  const list = pages()
  for (let i = 0; i < 5_000; i++) list.load(i, { items: rows(i * 200, 200), next: `c${i + 1}` })
  assert.equal(list.count, 1_000_000)
  assert.ok(list.rows.length <= 40 * 200)
  assert.equal(list.row(0), undefined)
  assert.deepEqual(list.missing(250, 260), [{ page: 1, cursor: 'c1' }])
  list.load(1, { items: rows(200, 200), next: 'c2' })
  assert.equal(list.row(250)?.id, 'r250')
  assert.equal(list.count, 1_000_000)
})
