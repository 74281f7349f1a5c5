/** Lines of a stack that belong together. */
export interface StackPart {
  readonly isLibrary: boolean
  readonly lines: readonly string[]
  /** The number of its first line. */
  readonly at: number
}

/** Frames that are not the user's code: packages, the runtime itself, and those of other languages. */
const LIBRARY = /node_modules|\(?node:|<anonymous>|site-packages|\/usr\/(lib|local\/go)|lib\/python\d/

const isFrame = (line: string) => /^\s+(at |File ")/.test(line) || /^\t/.test(line)

export function stackParts(stack: string): StackPart[] {
  const parts: { isLibrary: boolean; lines: string[]; at: number }[] = []
  for (const [at, line] of stack.split('\n').entries()) {
    const isLibrary = isFrame(line) && LIBRARY.test(line)
    const last = parts.at(-1)
    if (last !== undefined && last.isLibrary === isLibrary) last.lines.push(line)
    else parts.push({ isLibrary, lines: [line], at })
  }
  return parts
}
