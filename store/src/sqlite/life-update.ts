import type { StatementSync } from 'node:sqlite'
import { RUN_STATES, type RunState } from '@carillon/contracts'
import { type ColumnKind, LIFE_COLUMNS, type StoredValue, toStored } from '../columns.ts'
import type { LifeChange, LifeExpectation, UpdateOutcome } from '../ports.ts'
import type { Connection } from './connection.ts'

/** Columns that an update may set: of the last three tasks have two, runs the other. */
const SETTABLE = Object.entries<ColumnKind>({ ...LIFE_COLUMNS, target: 'text', mapped: 'number', mode: 'text' })
const STATE_BITS = new Map<RunState, number>(RUN_STATES.map((state, i) => [state, 1 << i]))
const STATES_SHIFT = SETTABLE.length
const ATTEMPT_BIT = 1 << (STATES_SHIFT + RUN_STATES.length)
const NAMESPACE_BIT = ATTEMPT_BIT << 1
const OWNER_SHIFT = STATES_SHIFT + RUN_STATES.length + 2

/** How the owner is compared: nothing, `in ()`, and what `ownerForm` adds up to. */
const OWNER_CONDITIONS = [
  '',
  ' and false',
  ' and "owner" is null',
  ' and "owner" = ?',
  ' and ("owner" is null or "owner" = ?)',
  ' and "owner" in (select "value" from json_each(?))',
  ' and ("owner" is null or "owner" in (select "value" from json_each(?)))',
]

interface Prepared {
  readonly statement: StatementSync
  readonly values: StoredValue[]
}

/**
 * Conditional updates of runs or tasks. The text of a statement depends only on which columns change and what is compared; both fit in
 * the bits of one small number, by which the prepared statement is found again.
 */
export class LifeUpdate {
  readonly #connection: Connection
  readonly #table: string
  readonly #statements = new Map<number, StatementSync>()

  constructor(connection: Connection, table: string) {
    this.#connection = connection
    this.#table = table
  }

  apply(changes: readonly LifeChange[]): UpdateOutcome[] {
    if (changes.length === 0) return []
    const prepared = changes.map((change) => this.#prepare(change))
    return this.#connection.transaction(() =>
      prepared.map(({ statement, values }) => (statement.run(...values).changes === 1 ? 'applied' : 'refused')),
    )
  }

  #prepare({ id, expect, set }: LifeChange): Prepared {
    const values: StoredValue[] = []
    let shape = 0
    for (let i = 0; i < SETTABLE.length; i++) {
      const [column, kind] = SETTABLE[i]!
      if (!(column in set)) continue
      shape |= 1 << i
      values.push(toStored(set[column as keyof typeof set], kind, column))
    }
    values.push(toStored(id, 'text', 'id'))
    shape |= expectationBits(expect, values)
    let statement = this.#statements.get(shape)
    if (statement === undefined) {
      statement = this.#connection.statement(updateText(this.#table, shape))
      this.#statements.set(shape, statement)
    }
    return { statement, values }
  }
}

/** The bits of what is compared; pushes the values to compare with. */
function expectationBits(expect: LifeExpectation, values: StoredValue[]): number {
  let states = 0
  for (const state of expect.state) states |= STATE_BITS.get(state) ?? 0
  let bits = states << STATES_SHIFT
  if (expect.attempt !== undefined) {
    bits |= ATTEMPT_BIT
    values.push(toStored(expect.attempt, 'number', 'attempt'))
  }
  if (expect.namespace !== undefined) {
    bits |= NAMESPACE_BIT
    values.push(toStored(expect.namespace, 'text', 'namespace'))
  }
  return expect.owner === undefined ? bits : bits | (ownerForm(expect.owner, values) << OWNER_SHIFT)
}

function ownerForm(owners: readonly (string | null)[], values: StoredValue[]): number {
  const names = owners.filter((owner) => owner !== null)
  if (names.length === 1) values.push(names[0]!)
  else if (names.length > 1) values.push(JSON.stringify(names))
  return 1 + (names.length < owners.length ? 1 : 0) + 2 * Math.min(names.length, 2)
}

function updateText(table: string, shape: number): string {
  const columns = SETTABLE.filter((_, i) => shape & (1 << i)).map(([column]) => `"${column}" = ?`)
  // A change of nothing still answers whether the expectation holds.
  const assignments = columns.length === 0 ? '"state" = "state"' : columns.join(', ')
  // Not `in (…)`: of three states or more SQLite would make a table of its own, for every row anew.
  const states = RUN_STATES.filter((_, i) => shape & (1 << (STATES_SHIFT + i))).map((state) => `"state" = '${state}'`)
  const attempt = `${shape & ATTEMPT_BIT ? ' and "attempt" = ?' : ''}${shape & NAMESPACE_BIT ? ' and "namespace" = ?' : ''}`
  return `update "${table}" set ${assignments} where "id" = ? and (${states.join(' or ') || 'false'})${attempt}${OWNER_CONDITIONS[shape >>> OWNER_SHIFT]}`
}
