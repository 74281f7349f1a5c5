import { createTerminal, type Terminal } from './terminal.ts'

/** A terminal that keeps what is written to it. */
export function keepingTerminal(options: { json?: boolean; tty?: boolean; columns?: number; environment?: Record<string, string> } = {}): {
  terminal: Terminal
  stdout: string[]
  stderr: string[]
} {
  const sink = () => {
    const written: string[] = []
    return {
      written,
      write: (text: string) => written.push(text),
      isTTY: options.tty ?? false,
      ...(options.columns === undefined ? {} : { columns: options.columns }),
    }
  }
  const [stdout, stderr] = [sink(), sink()]
  const terminal = createTerminal({ stdout, stderr, json: options.json ?? false, environment: options.environment ?? {} })
  return { terminal, stdout: stdout.written, stderr: stderr.written }
}
