/** Every limit of expressions, with the reason for its size. Crossing one is a coded error. */
export const EXPRESSION_LIMITS = {
  /** Bytes of an expression's text, checked before it is parsed: parsing a text of megabytes takes seconds. */
  textBytes: 1_024,
  /** Bytes of a decision of a workflow, which names many nodes. */
  decisionTextBytes: 4_096,
  /** Nodes of the syntax tree; everything that walks it, the type checker too, is recursive. */
  nodes: 200,
  /** Nodes of a decision. */
  decisionNodes: 800,
  /** Levels of parentheses, calls and members. */
  depth: 24,
  /** Comprehensions within one another: one inside another, so that the cost is at most quadratic before the budget ends it. */
  nestedComprehensions: 2,
  /** Lists and maps written within one another: the type checker keeps each type that it has met for ever. */
  nestedLiterals: 4,
  /** Units of work of one evaluation, see `meter.ts`: a unit takes at most half a microsecond. */
  cost: 100_000,
  /** The same of one that gives a list of 100,000 items: it is evaluated once, and takes half a second at most. */
  listCost: 1_000_000,
  /** Levels of a value that an expression reads; the same as of JSON on the wire. */
  valueDepth: 64,
  /** Letters of a pattern of `matches`. */
  patternLength: 256,
  /** Instructions of all compiled patterns of an expression: `(a{30}){30}` is short and has many. */
  patternProgram: 1_000,
  /** Letters of a duration's text: the parser of the library is quadratic. */
  durationLength: 64,
  /** Bytes of a key; those of an idempotency key. */
  keyBytes: 256,
  /** Compiled expressions that one cache holds. */
  cachedExpressions: 1_000,
  /** Bytes of their texts; a compiled expression takes about 40 times the memory of its text. */
  cachedTextBytes: 256 * 1_024,
} as const
