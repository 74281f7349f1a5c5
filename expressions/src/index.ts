/** Expressions of filters, keys and decisions, in CEL; what they may be is in docs/EXPRESSIONS.md. */
export { compileExpression, type ExpressionField } from './compile-expression.ts'
export type { Expression, ExpressionKey, Outcome, ResultOf } from './expression.ts'
export { ExpressionCache } from './expression-cache.ts'
export { EXPRESSION_LIMITS } from './limits.ts'
export { PLACES } from './places.ts'
export type { ExpressionKind, ExpressionPlace, Variables, VariableType } from './variables.ts'
