import { RE2JS } from 're2js'
import { EXPRESSION_LIMITS } from '../limits.ts'

/** A compiled pattern. Matching takes time linear in the length of the text times the instructions. */
export interface Pattern {
  readonly instructions: number
  /** Whether some part of the text matches. */
  matches(text: string): boolean
}

/** Compiles a pattern of RE2, the syntax that CEL asks for; or says what is wrong with it. */
export function compilePattern(text: string): Pattern | string {
  const { patternLength } = EXPRESSION_LIMITS
  if (text.length > patternLength) return `the pattern has ${text.length} letters, at most ${patternLength} are taken`
  try {
    const compiled = RE2JS.compile(text)
    return { instructions: compiled.programSize(), matches: (value) => compiled.matcher(value).find() }
  } catch (error) {
    return `the pattern is wrong: ${(error as Error).message.replace('error parsing regexp: ', '')}`
  }
}
