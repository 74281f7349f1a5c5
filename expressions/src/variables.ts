/**
 * What a variable holds. `any` is JSON whose type is known only when it is evaluated. A record names the only members that there are, each a
 * number: another one is refused when the expression is stored.
 */
export type VariableType = 'any' | 'text' | 'number' | 'boolean' | 'map of text' | readonly string[]

/** The variables of a place where an expression may stand, by name. */
export type Variables = Readonly<Record<string, VariableType>>

/** What an expression must result in. A *key* is text, a number or a boolean; a *value* any JSON. */
export type ExpressionKind = 'boolean' | 'key' | 'list' | 'value'

/** A kind of place where an expression stands, as `filter` of a trigger is one. */
export interface ExpressionPlace {
  readonly kind: ExpressionKind
  readonly variables: Variables
  /** Bytes of the text. Default: 1,024. */
  readonly maxTextBytes?: number
  /** Nodes of the syntax tree. Default: 200. */
  readonly maxNodes?: number
  /** Units of work of one evaluation. Default: 100,000. */
  readonly maxCost?: number
}
