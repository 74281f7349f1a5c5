import { globSync, readFileSync } from 'node:fs'

/** A field as the documents show it. */
export interface Field {
  readonly name: string
  readonly type: string
  readonly required: boolean
  readonly meaning: string
}

const source = globSync('contracts/src/*.ts')
  .filter((path) => !path.endsWith('.test.ts'))
  .sort()
  .map((path) => readFileSync(path, 'utf8'))
  .join('\n')

const COMMENT_BEFORE = /\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\s*$/
const MEMBER = /^ {2}(?:readonly )?(\w+)(\?)?: (.+)$/gm

/** The fields of an interface of the contracts, with their comments. What is inherited is not among them. */
export function fieldsOfInterface(name: string): Field[] {
  const body = new RegExp(`export interface ${name}\\b[^{]*\\{\\n([\\s\\S]*?)\\n\\}`).exec(source)?.[1]
  if (body === undefined) throw new Error(`the contracts have no interface ${name}`)
  return [...body.matchAll(MEMBER)].map(([line, field = '', optional, type = '']) => {
    const comment = COMMENT_BEFORE.exec(body.slice(0, body.indexOf(line)))?.[1] ?? ''
    return { name: field, type: typeText(type), required: optional === undefined, meaning: commentText(comment) }
  })
}

/** The comments of a schema's fields; a schema does not carry them at run time. `declarations` are the constants that write the fields. */
export function commentsOfSchema(declarations: readonly string[]): Map<string, string> {
  const comments = new Map<string, string>()
  for (const name of declarations) {
    const start = source.search(new RegExp(`(const|function) ${name}\\b`))
    if (start < 0) throw new Error(`the contracts have no ${name}`)
    const rest = source.slice(start)
    const body = rest.slice(0, rest.search(/\n(?=export |const |\/\*\*|function )/) + 1 || undefined)
    for (const [, comment = '', field = ''] of body.matchAll(/\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\s*(\w+):/g))
      comments.set(field, commentText(comment))
  }
  return comments
}

/** Types that the documents explain elsewhere, in their words. */
const TYPES: Readonly<Record<string, string>> = {
  RunState: '[state](STATES.md)',
  EndedState: '[state](STATES.md)',
  Reason: '[reason](STATES.md#reasons)',
  RunTrigger: '`call`, `stream`, `schedule`',
  JobState: '`active`, `paused`, `finished`',
  Progress: '`{ percent, note? }`',
  Failure: 'failure',
  'z.output<typeof failureSchema>': 'failure',
  Schedule: 'as in `jobs.put`',
  Backoff: 'as in `jobs.put`',
  Beat: 'as in a beat',
  unknown: 'any JSON',
  'string[]': 'array of string',
  'Readonly<Record<string, { stream: string; consumer: string }>>': 'object of `{ stream, consumer }`',
  '{ name: string; ok: boolean; message: string }[]': 'array of `{ name, ok, message }`',
}

function typeText(type: string): string {
  const text = type.replaceAll('readonly ', '')
  return TYPES[text] ?? text.replaceAll("' | '", '`, `').replaceAll("'", '`')
}

const commentText = (comment: string) =>
  comment
    .replace(/\s*\n\s*\*?\s*/g, ' ')
    .replace(/ \(semantics[^)]*\)/g, '')
    .trim()
