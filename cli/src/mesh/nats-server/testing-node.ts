import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type { TestContext } from 'node:test'

export interface OtherNode {
  readonly child: ChildProcess
  /** The first line it printed. */
  readonly firstLine: string
  /** `kill -9`, and waits until it is gone. */
  kill9(): Promise<void>
}

/**
 * Runs code in a Node process of its own until it prints a line; it is killed after the test. The code is a module that
 * imports from this folder: `import { x } from './file.js'`. What it prints on stderr is shown.
 */
export async function runOtherNode(t: TestContext, code: string): Promise<OtherNode> {
  const here = new URL('.', import.meta.url).href
  const source = code.replaceAll("from './", `from '${here}`)
  const child = spawn(process.execPath, ['--input-type=module', '--eval', source], { stdio: ['pipe', 'pipe', 'inherit'] })
  const ended = once(child, 'exit')
  const kill9 = async (): Promise<void> => {
    child.kill('SIGKILL')
    await ended
  }
  t.after(kill9)
  const lines = createInterface({ input: child.stdout })
  const first = await Promise.race([once(lines, 'line'), ended.then(() => [])])
  if (typeof first[0] !== 'string') throw new Error('the process ended without a word')
  return { child, firstLine: first[0], kill9 }
}
