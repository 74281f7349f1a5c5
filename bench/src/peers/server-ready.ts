import type { Readable } from 'node:stream'

const MAX_TEXT = 10_000

/** Resolves when a server has written `mark`. @throws with what it wrote when it ends before */
export async function untilReady(output: Readable, { mark, exited }: { mark: string; exited: Promise<unknown> }): Promise<void> {
  let text = ''
  const ready = new Promise<true>((resolve) => {
    output.on('data', (chunk: Buffer) => {
      if (text.length < MAX_TEXT) text += String(chunk)
      if (text.includes(mark)) resolve(true)
    })
  })
  if (!(await Promise.race([ready, exited.then(() => false)]))) throw new Error(`the server ended before it was ready:\n${text}`)
}
