import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CarillonError } from '@carillon/contracts'
import { type ColumnKind, LIFE_COLUMNS } from '../columns.ts'
import type { LifeChange } from '../ports.ts'
import { Connection } from './connection.ts'
import { LargeTexts } from './large-texts.ts'
import { LifeUpdate } from './life-update.ts'

/** More than a number has bits, whichever way they are used. */
const NEW_COLUMNS = Array.from({ length: 80 }, (_, i) => `column${i}`)
const NEW_STATES = Array.from({ length: 80 }, (_, i) => `state${i}`)

/** A table of lives with one row in each of many states, and many columns that no table has yet. */
function openTable() {
  const connection = new Connection({ path: ':memory:', synchronous: 'normal', readOnly: false })
  const columns: Record<string, ColumnKind> = { ...LIFE_COLUMNS }
  for (const column of NEW_COLUMNS) columns[column] = 'number'
  const names = Object.keys(columns).map((column) => `"${column}"`)
  connection.execute(`create table "lives" ("id" text primary key not null, ${names.join(', ')}) without rowid`)
  for (const state of NEW_STATES) connection.run('insert into "lives" ("id", "state", "attempt") values (?, ?, 1)', [`is-${state}`, state])
  const update = new LifeUpdate(connection, { name: 'lives', columns, large: new LargeTexts(connection, 'lives') })
  const apply = (changes: readonly object[]) => update.apply(changes as LifeChange[])
  return { connection, apply }
}

test('a new state is distinguished from every other one, in any order of use', () => {
  const { connection, apply } = openTable()
  for (const turn of [1, 2]) {
    for (const expected of NEW_STATES) {
      const changes = NEW_STATES.map((state) => ({ id: `is-${state}`, expect: { state: [expected] }, set: { attempt: turn } }))
      const outcomes = NEW_STATES.map((state) => (state === expected ? 'applied' : 'refused'))
      assert.deepEqual(apply(changes), outcomes, expected)
    }
  }
  const [first, ...others] = NEW_STATES
  const apart = { expect: { state: others }, set: { attempt: 3 } }
  assert.deepEqual(apply(NEW_STATES.map((state) => ({ id: `is-${state}`, ...apart }))), ['refused', ...others.map(() => 'applied')])
  assert.equal(connection.all('select "attempt" from "lives" where "state" = ?', [first!])[0]?.['attempt'], 2)
  connection.close()
})

test('each set of new columns changes those columns and no others', () => {
  const { connection, apply } = openTable()
  const read = (id: string) => ({ ...connection.all('select * from "lives" where "id" = ?', [id])[0] })
  const first = `is-${NEW_STATES[0]}`
  const expect = { state: [NEW_STATES[0]] }
  const expected = read(first)
  let value = 0
  for (const step of [1, 2, 31, 32, 33, 52, 53, 54]) {
    for (let i = 0; i < NEW_COLUMNS.length; i++) {
      const set = { [NEW_COLUMNS[i]!]: value++, [NEW_COLUMNS[(i + step) % NEW_COLUMNS.length]!]: value++ }
      assert.deepEqual(apply([{ id: first, expect, set }]), ['applied'])
      assert.deepEqual(read(first), Object.assign(expected, set))
    }
  }
  const backwards = Object.fromEntries(NEW_COLUMNS.toReversed().map((column, i) => [column, -i]))
  assert.deepEqual(apply([{ id: first, expect, set: backwards }]), ['applied'])
  assert.deepEqual(read(first), Object.assign(expected, backwards))
  connection.close()
})

test('a column that the table does not have is refused by name before anything is written', () => {
  const { connection, apply } = openTable()
  const [first, second] = NEW_STATES.map((state) => ({ id: `is-${state}`, expect: { state: [state] } }))
  assert.throws(
    () =>
      apply([
        { ...first, set: { attempt: 7 } },
        { ...second, set: { unheardOf: 1 } },
      ]),
    (error) => CarillonError.is(error) && error.code === 'INTERNAL' && error.message.includes('unheardOf'),
  )
  assert.deepEqual(connection.all('select count(*) as "count" from "lives" where "attempt" = 7', [])[0]?.['count'], 0)
  connection.close()
})
