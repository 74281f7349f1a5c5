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

const commentText = (comment: string) =>
  comment
    .replace(/\s*\n\s*\*?\s*/g, ' ')
    .replace(/ \(semantics[^)]*\)/g, '')
    .trim()
