import type { CarillonError, Json } from '@carillon/contracts'
import type { ExpressionKind } from './variables.ts'

/**
 * A key as JSON text, so that its type is part of it: `"acme"`, `1`, `true`; the number 1 and the text "1" differ. Undefined: no key, because the
 * expression is null or reads a member that is missing.
 */
export type ExpressionKey = string | undefined

/** What an expression of a kind results in. */
export type ResultOf<Kind extends ExpressionKind> = Kind extends 'boolean' ? boolean : Kind extends 'key' ? ExpressionKey : Json

/** The result, or why there is none: EXPRESSION_FAILED. */
export type Outcome<Value> = { readonly ok: true; readonly value: Value } | { readonly ok: false; readonly error: CarillonError }

/** An expression that was parsed and type-checked. */
export interface Expression<Kind extends ExpressionKind = ExpressionKind> {
  readonly text: string
  /** The members of a variable that it reads; `all`: it reads the variable as a whole. */
  membersRead(variable: string): readonly string[] | 'all'
  /** Takes plain JSON by the name of each variable; what is not given is null, or empty. Never throws, and takes at most some 50 ms. */
  evaluate(variables: Readonly<Record<string, unknown>>): Outcome<ResultOf<Kind>>
}
