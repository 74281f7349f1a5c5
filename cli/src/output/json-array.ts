import type { Terminal } from './terminal.ts'

/** The rest of an answer could not be read after a part was printed. stdout is valid JSON; the error is printed on stderr. */
export class CutShort extends Error {
  constructor(cause: unknown) {
    super('The answer is incomplete', { cause })
    this.name = 'CutShort'
  }
}

/** Writes one JSON array on stdout, each batch as it comes. @throws CutShort when `batches` fails after some were written: the array is closed */
export async function writeArray(terminal: Terminal, batches: AsyncIterable<readonly unknown[]>): Promise<void> {
  let isBegun = false
  try {
    for await (const items of batches) {
      if (items.length === 0) continue
      const text = items.map((item) => JSON.stringify(item)).join(',')
      const written = terminal.write(`${isBegun ? ',' : '['}${text}`)
      isBegun = true
      await written
    }
  } catch (error) {
    if (!isBegun) throw error
    await terminal.write(']\n')
    throw new CutShort(error)
  }
  await terminal.write(isBegun ? ']\n' : '[]\n')
}
