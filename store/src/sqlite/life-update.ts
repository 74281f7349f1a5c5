import type { StatementSync } from 'node:sqlite'
import { CarillonError } from '@carillon/contracts'
import { type ColumnKind, type StoredValue, toStored } from '../columns.ts'
import type { LifeChange, LifeExpectation, UpdateOutcome } from '../ports.ts'
import type { Connection } from './connection.ts'
import type { LargeText, LargeTexts } from './large-texts.ts'

const WHERE = ' where "id" = ? and '
const ATTEMPT = ' and "attempt" = ?'
const NAMESPACE = ' and "namespace" = ?'
const TARGET = ' and "target" is ?'
const WAKE_AT = ' and "wakeAt" is ?'
const GATE = ' and "gate" is ?'
/** How the owner is compared with no name, one, or more; the second of each admits no owner, too. */
const OWNERS = [
  [' and false', ' and "owner" is null'],
  [' and "owner" = ?', ' and ("owner" is null or "owner" = ?)'],
  [' and "owner" in (select "value" from json_each(?))', ' and ("owner" is null or "owner" in (select "value" from json_each(?)))'],
] as const

/**
 * What an update is made of: columns, then conditions, in their order. Each part leads to the next, and the last to the prepared statement, so no key
 * is computed and there may be any number of columns and states.
 */
class Shape {
  /** Of what the last part is a column of. */
  readonly kind: ColumnKind | undefined
  readonly #next = new Map<string, Shape>()
  statement: StatementSync | undefined

  constructor(kind?: ColumnKind) {
    this.kind = kind
  }

  with(part: string, kindOf?: (column: string) => ColumnKind): Shape {
    let next = this.#next.get(part)
    if (next === undefined) {
      next = new Shape(kindOf?.(part))
      this.#next.set(part, next)
    }
    return next
  }
}

interface Prepared {
  readonly id: string
  readonly beside: LargeText[]
  readonly statement: StatementSync
  readonly values: StoredValue[]
}

export interface LifeTable {
  readonly name: string
  readonly columns: Readonly<Record<string, ColumnKind>>
  readonly large: LargeTexts
}

/** Conditional updates of runs or tasks. */
export class LifeUpdate {
  readonly #connection: Connection
  readonly #table: LifeTable
  readonly #empty = new Shape()

  constructor(connection: Connection, table: LifeTable) {
    this.#connection = connection
    this.#table = table
  }

  apply(changes: readonly LifeChange[]): UpdateOutcome[] {
    if (changes.length === 0) return []
    const prepared = changes.map((change) => this.#prepare(change))
    return this.#connection.transaction(() =>
      prepared.map(({ id, statement, values, beside }) => {
        if (statement.run(...values).changes !== 1) return 'refused'
        if (beside.length > 0) this.#table.large.keep(id, beside)
        return 'applied'
      }),
    )
  }

  #prepare(change: LifeChange): Prepared {
    const { id, expect, set } = change
    const values: StoredValue[] = []
    const beside: LargeText[] = []
    let shape = this.#empty
    for (const column in set) {
      shape = shape.with(column, this.#kindOf)
      const value = toStored(set[column as keyof typeof set], shape.kind!, column)
      values.push(this.#table.large.split(column, value, beside))
    }
    values.push(toStored(id, 'text', 'id'))
    shape = shape.with(WHERE)
    for (const state of expect.state) shape = shape.with(state)
    if (expect.attempt !== undefined) {
      shape = shape.with(ATTEMPT)
      values.push(toStored(expect.attempt, 'number', 'attempt'))
    }
    if (expect.namespace !== undefined) {
      shape = shape.with(NAMESPACE)
      values.push(toStored(expect.namespace, 'text', 'namespace'))
    }
    if (expect.owner !== undefined) shape = shape.with(pushOwner(expect.owner, values))
    if (expect.target !== undefined) {
      shape = shape.with(TARGET)
      values.push(toStored(expect.target, 'text', 'target'))
    }
    if (expect.wakeAt !== undefined) {
      shape = shape.with(WAKE_AT)
      values.push(toStored(expect.wakeAt, 'number', 'wakeAt'))
    }
    if (expect.gate !== undefined) {
      shape = shape.with(GATE)
      values.push(toStored(expect.gate, 'text', 'gate'))
    }
    shape.statement ??= this.#connection.statement(updateText(this.#table.name, change))
    return { id, beside, statement: shape.statement, values }
  }

  readonly #kindOf = (column: string): ColumnKind => {
    const kind = this.#table.columns[column]
    if (kind === undefined) throw new CarillonError('INTERNAL', `${this.#table.name} have no column ${column}`, { field: column })
    return kind
  }
}

/** Pushes the values to compare the owner with; answers the condition. */
function pushOwner(owners: NonNullable<LifeExpectation['owner']>, values: StoredValue[]): string {
  const names = owners.filter((owner) => owner !== null)
  if (names.length === 1) values.push(names[0]!)
  else if (names.length > 1) values.push(JSON.stringify(names))
  return OWNERS[Math.min(names.length, 2) as 0 | 1 | 2][names.length < owners.length ? 1 : 0]
}

function updateText(table: string, { expect, set }: LifeChange): string {
  // An update without changes still answers whether the expectation holds.
  const assignments =
    Object.keys(set)
      .map((column) => `"${column}" = ?`)
      .join(', ') || '"state" = "state"'
  // Not `in (…)`: for three states or more SQLite would build a temporary table for every row.
  const states = expect.state.map((state) => `"state" = '${state}'`).join(' or ') || 'false'
  const attempt = expect.attempt === undefined ? '' : ATTEMPT
  const namespace = expect.namespace === undefined ? '' : NAMESPACE
  const owner = expect.owner === undefined ? '' : pushOwner(expect.owner, [])
  const target = expect.target === undefined ? '' : TARGET
  const wakeAt = expect.wakeAt === undefined ? '' : WAKE_AT
  const gate = expect.gate === undefined ? '' : GATE
  return `update "${table}" set ${assignments}${WHERE}(${states})${attempt}${namespace}${owner}${target}${wakeAt}${gate}`
}
