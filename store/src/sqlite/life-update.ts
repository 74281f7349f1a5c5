import type { StatementSync } from 'node:sqlite'
import { RUN_STATES, type RunState } from '@carillon/contracts'
import { type ColumnKind, LIFE_COLUMNS, type StoredValue, toStored } from '../columns.ts'
import type { LifeChange, LifeExpectation, UpdateOutcome } from '../ports.ts'
import type { Connection } from './connection.ts'
import type { LargeText, LargeTexts } from './large-texts.ts'

/** Columns that an update may set: of the last three tasks have two, runs the other. */
const SETTABLE = Object.entries<ColumnKind>({ ...LIFE_COLUMNS, target: 'text', mapped: 'number', mode: 'text' })
/** What each settable column adds to the number that identifies a set of them. A double holds 53. */
const COLUMN_WEIGHTS = SETTABLE.map((_, i) => 2 ** i)
const STATE_INDEXES = new Map<RunState, number>(RUN_STATES.map((state, i) => [state, i]))

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
  readonly id: string
  readonly beside: LargeText[]
  readonly statement: StatementSync
  readonly values: StoredValue[]
}

/**
 * Conditional updates of runs or tasks. The text of a statement depends only on which columns change and what is compared. Each of the
 * two is a number of its own, by which the prepared statement is found again.
 */
export class LifeUpdate {
  readonly #connection: Connection
  readonly #table: string
  readonly #large: LargeTexts
  /** By the number of the condition, then by that of the columns. */
  readonly #statements = new Map<number, Map<number, StatementSync>>()

  constructor(connection: Connection, table: { readonly name: string; readonly large: LargeTexts }) {
    this.#connection = connection
    this.#table = table.name
    this.#large = table.large
  }

  apply(changes: readonly LifeChange[]): UpdateOutcome[] {
    if (changes.length === 0) return []
    const prepared = changes.map((change) => this.#prepare(change))
    return this.#connection.transaction(() =>
      prepared.map(({ id, statement, values, beside }) => {
        if (statement.run(...values).changes !== 1) return 'refused'
        if (beside.length > 0) this.#large.keep(id, beside)
        return 'applied'
      }),
    )
  }

  #prepare({ id, expect, set }: LifeChange): Prepared {
    const values: StoredValue[] = []
    const beside: LargeText[] = []
    let columns = 0
    for (let i = 0; i < SETTABLE.length; i++) {
      const [column, kind] = SETTABLE[i]!
      if (!(column in set)) continue
      columns += COLUMN_WEIGHTS[i]!
      values.push(this.#large.split(column, toStored(set[column as keyof typeof set], kind, column), beside))
    }
    values.push(toStored(id, 'text', 'id'))
    const owner = pushExpected(expect, values)
    return { id, beside, statement: this.#statement(columns, { set, expect, owner }), values }
  }

  #statement(columns: number, { set, expect, owner }: { set: LifeChange['set']; expect: LifeExpectation; owner: number }): StatementSync {
    const condition = conditionNumber(expect, owner)
    const ofCondition = this.#statements.get(condition) ?? new Map<number, StatementSync>()
    if (ofCondition.size === 0) this.#statements.set(condition, ofCondition)
    let statement = ofCondition.get(columns)
    if (statement === undefined) {
      const changed = SETTABLE.map(([column]) => column).filter((column) => column in set)
      statement = this.#connection.statement(updateText(this.#table, changed, { expect, owner }))
      ofCondition.set(columns, statement)
    }
    return statement
  }
}

/** Pushes the values to compare with; answers the form in which the owner is compared. */
function pushExpected(expect: LifeExpectation, values: StoredValue[]): number {
  if (expect.attempt !== undefined) values.push(toStored(expect.attempt, 'number', 'attempt'))
  if (expect.namespace !== undefined) values.push(toStored(expect.namespace, 'text', 'namespace'))
  return expect.owner === undefined ? 0 : ownerForm(expect.owner, values)
}

function conditionNumber(expect: LifeExpectation, owner: number): number {
  let states = 0
  for (const state of expect.state) states |= 1 << STATE_INDEXES.get(state)!
  const compared = (expect.attempt === undefined ? 0 : 1) + (expect.namespace === undefined ? 0 : 2)
  return (states * 4 + compared) * OWNER_CONDITIONS.length + owner
}

function ownerForm(owners: readonly (string | null)[], values: StoredValue[]): number {
  const names = owners.filter((owner) => owner !== null)
  if (names.length === 1) values.push(names[0]!)
  else if (names.length > 1) values.push(JSON.stringify(names))
  return 1 + (names.length < owners.length ? 1 : 0) + 2 * Math.min(names.length, 2)
}

function updateText(table: string, changed: readonly string[], { expect, owner }: { expect: LifeExpectation; owner: number }): string {
  // A change of nothing still answers whether the expectation holds.
  const assignments = changed.length === 0 ? '"state" = "state"' : changed.map((column) => `"${column}" = ?`).join(', ')
  // Not `in (…)`: of three states or more SQLite would make a table of its own, for every row anew.
  const states = RUN_STATES.filter((state) => expect.state.includes(state)).map((state) => `"state" = '${state}'`)
  const attempt = expect.attempt === undefined ? '' : ' and "attempt" = ?'
  const namespace = expect.namespace === undefined ? '' : ' and "namespace" = ?'
  return `update "${table}" set ${assignments} where "id" = ? and (${states.join(' or ') || 'false'})${attempt}${namespace}${OWNER_CONDITIONS[owner]}`
}
