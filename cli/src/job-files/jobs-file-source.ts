import { basename } from 'node:path'
import { MACHINE_SOURCES, readText, type TextRule, type TextSources } from '../arguments/text.ts'

/** Of a file: enough for some 20,000 jobs, and read within seconds. */
export const MAX_BYTES = 4 * 1024 * 1024

/** A text that is read before anything is done with it, and its name in errors. */
export interface NamedText {
  readonly text: string
  readonly name: string
}

/** A file of at most 4 MiB, or standard input for `-`. @throws CarillonError INVALID_REQUEST */
export async function readNamedText(path: string, option: string, sources: TextSources = MACHINE_SOURCES): Promise<NamedText> {
  const rule: TextRule = {
    field: option,
    maxBytes: MAX_BYTES,
    tooLarge: { code: 'INVALID_REQUEST', message: `${option} has more than ${MAX_BYTES} bytes`, hint: 'Divide it into several files.' },
    notText: 'INVALID_REQUEST',
    hint: 'Give the path of a file, or - for standard input.',
  }
  const text = await readText(path === '-' ? undefined : path, rule, sources)
  return { text, name: path === '-' ? 'standard input' : basename(path) }
}
