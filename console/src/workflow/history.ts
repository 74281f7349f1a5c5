/** Versions of what is edited. */
export interface History<Value> {
  readonly past: readonly Value[]
  readonly present: Value
  readonly future: readonly Value[]
  /** What the last change was about: further ones about the same are one step. */
  readonly mark?: string | undefined
}

/** Steps back that are kept. */
const MOST_STEPS = 200

export const historyOf = <Value>(present: Value): History<Value> => ({ past: [], present, future: [] })

/** @param mark changes in a row with the same one are undone together, such as letters that are typed into one field */
export function edited<Value>({ past, present, future, mark: last }: History<Value>, next: Value, mark?: string): History<Value> {
  if (next === present) return { past, present, future, mark: last }
  if (mark !== undefined && mark === last) return { past, present: next, future: [], mark }
  return { past: [...past, present].slice(-MOST_STEPS), present: next, future: [], mark }
}

export function undone<Value>(history: History<Value>): History<Value> {
  const { past, present, future } = history
  if (past.length === 0) return history
  return { past: past.slice(0, -1), present: past.at(-1) as Value, future: [present, ...future] }
}

export function redone<Value>(history: History<Value>): History<Value> {
  const { past, present, future } = history
  const [next, ...rest] = future
  return next === undefined ? history : { past: [...past, present], present: next, future: rest }
}
