import { CarillonError, LIMITS } from '@carillon/contracts'
import { Composer, type CST, type Document, isAlias, isMap, isPair, isScalar, isSeq, Lexer, type LineCounter, Parser, visit } from 'yaml'

/** A field of an entry of a document that is a list. */
export interface Place {
  readonly document: Document.Parsed
  readonly lines: LineCounter
  readonly index: number
  readonly path: readonly string[]
}

/**
 * The documents of a YAML 1.2 text, of which JSON is a part. Only what JSON can hold is accepted.
 * @throws CarillonError INVALID_REQUEST that names the line
 */
export function parseYaml(text: string, file: string, lines: LineCounter): Document.Parsed[] {
  const documents = read(text, { file, lines })
  const refuse = (why: string, at: number) => refusal(why, { file, line: lines.linePos(at).line })
  for (const document of documents) {
    const [problem] = [...document.errors, ...document.warnings]
    if (problem) throw refuse(problem.message.replace(/^Unresolved tag: (.*)$/s, 'the tag $1 is not accepted'), problem.pos[0])
    checkNodes(document, refuse)
  }
  return documents
}

/** As deep as a payload may be, within a field of a job in a list. */
const MOST_LEVELS = LIMITS.jsonDepth + 3

/** The package would read a text of a million brackets by recursion, in half a minute: its depth is watched while it is split into tokens. */
function* tokensOf(text: string, { file, lines }: { file: string; lines: LineCounter }): Generator<CST.Token> {
  lines.addNewLine(0)
  const parser = new Parser(lines.addNewLine)
  for (const lexeme of new Lexer().lex(text)) {
    yield* parser.next(lexeme)
    if (parser.stack.length > MOST_LEVELS + 1)
      throw refusal(`the nesting is deeper than ${LIMITS.jsonDepth} levels`, { file, line: lines.linePos(parser.offset).line })
  }
  yield* parser.end()
}

function read(text: string, place: { file: string; lines: LineCounter }): Document.Parsed[] {
  const composer = new Composer({
    version: '1.2',
    schema: 'core',
    merge: false,
    resolveKnownTags: false,
    stringKeys: true,
    // The check of the package compares each key with each other; `checkNodes` does it in one pass.
    uniqueKeys: false,
    logLevel: 'silent',
  })
  return [...composer.compose(tokensOf(text, place), false, text.length)] as Document.Parsed[]
}

/** Each field once, no merge keys, because what they do to fields that are there twice surprises, and each alias after its anchor. */
function checkNodes(document: Document.Parsed, refuse: (why: string, at: number) => CarillonError): void {
  const anchors = new Set<string>()
  visit(document, {
    Alias: (_, alias) => {
      if (!anchors.has(alias.source))
        throw refuse(`the alias *${alias.source} has no anchor before it in this document`, startOf(alias) ?? 0)
    },
    Value: (_, { anchor }) => {
      if (anchor !== undefined) anchors.add(anchor)
    },
    Map: (_, map) => {
      if (map.anchor !== undefined) anchors.add(map.anchor)
      const keys = new Set<unknown>()
      for (const { key } of map.items) {
        if (!isScalar(key)) continue
        const at = startOf(key) ?? 0
        if (key.value === '<<' && key.type === 'PLAIN') throw refuse('merge keys (<<) are not accepted: write the fields out', at)
        if (keys.has(key.value)) throw refuse(`field ${JSON.stringify(key.value)} is there twice`, at)
        keys.add(key.value)
      }
    },
  })
}

function refusal(message: string, { file, line }: { file: string; line?: number }): CarillonError {
  return new CarillonError('INVALID_REQUEST', `${file}${line === undefined ? '' : `:${line}`}: ${message}; nothing is applied`, {
    field: 'file',
    hint: 'Use YAML 1.2 or JSON, without tags and merge keys, as carillon jobs export writes it.',
  })
}

/** By how much anchors and aliases may multiply what a file holds. */
const MOST_ALIASES = 100

/** What a document holds. @throws CarillonError INVALID_REQUEST when its aliases would multiply it */
export function plainValue<Value>(document: Document.Parsed, file: string): Value {
  try {
    return document.toJS({ maxAliasCount: MOST_ALIASES })
  } catch (error) {
    const hint = `Write out what the aliases (*name) refer to: they may multiply values by ${MOST_ALIASES} at most.`
    throw new CarillonError('INVALID_REQUEST', `${file}: ${(error as Error).message}; nothing is applied`, {
      field: 'file',
      hint,
      cause: error,
    })
  }
}

/** Where a field of an entry of a list stands in the text, or the nearest one around it that is there. */
export const nodeAt = ({ document, index, path }: Place): number => positionOf(document, [String(index), ...path])

/** Where a field stands in the text, or the nearest one around it that is there. */
export function positionOf(document: Document.Parsed, path: readonly string[]): number {
  let node: unknown = document.contents
  let at = startOf(node) ?? 0
  for (const name of path) {
    if (isAlias(node)) node = node.resolve(document)
    const next: unknown = isMap(node)
      ? node.items.find(({ key }) => isScalar(key) && key.value === name)
      : isSeq(node)
        ? node.items[Number(name)]
        : undefined
    if (next === undefined) return at
    at = startOf(isPair(next) ? next.key : next) ?? at
    node = isPair(next) ? next.value : next
  }
  return at
}

const startOf = (node: unknown) => (node as { range?: [number, number, number] | null } | undefined)?.range?.[0]
