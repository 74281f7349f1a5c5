import type { Expression } from '@carillon/expressions'

/** Expressions of keys, compiled. */
export interface KeyExpressions {
  readonly concurrencyKey: { get(text: string): Expression<'key'> }
}

/** Runs without a key share the places of one key. */
const NO_KEY = 'null'

/** @throws CarillonError EXPRESSION_FAILED */
export function keyOf(expression: Expression<'key'>, payload: string): string {
  const outcome = expression.evaluate({ payload: JSON.parse(payload) as unknown })
  if (!outcome.ok) throw outcome.error
  return outcome.value ?? NO_KEY
}

/** The key of a run that was requested under other rules. Where the expression has no result for its payload it is one of those without a key. */
export function keyOfAccepted(expression: Expression<'key'>, payload: string): string {
  const outcome = expression.evaluate({ payload: JSON.parse(payload) as unknown })
  return (outcome.ok && outcome.value) || NO_KEY
}
