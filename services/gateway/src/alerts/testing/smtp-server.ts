import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

export interface Mail {
  readonly from: string
  readonly to: readonly string[]
  /** Whether it came over TLS. */
  readonly secure: boolean
  readonly text: string
}

export interface SmtpServer {
  readonly port: number
  readonly mails: readonly Mail[]
  close(): Promise<void>
}

/** A mail server in a process of its own. @param certificate paths of the files with which it offers STARTTLS */
export async function startSmtpServer(certificate?: { readonly cert: string; readonly key: string }): Promise<SmtpServer> {
  const main = fileURLToPath(new URL('./smtp-main.js', import.meta.url))
  const args = certificate === undefined ? [] : [certificate.cert, certificate.key]
  const server = spawn(process.execPath, [main, ...args], { stdio: ['pipe', 'pipe', 'inherit'] })
  const lines = createInterface({ input: server.stdout })
  const mails: Mail[] = []
  const [first] = (await once(lines, 'line')) as [string]
  lines.on('line', (line) => void mails.push(JSON.parse(line)))
  const close = async () => {
    server.stdin.end()
    await once(server, 'exit')
  }
  return { port: JSON.parse(first).port, mails, close }
}

/** The value of a header, folded or not. */
export const headerOf = (mail: Mail | undefined, name: string): string | undefined =>
  new RegExp(`^${name}: (.*(?:\\r\\n[ \\t].*)*)`, 'im').exec(mail?.text.split('\r\n\r\n')[0] ?? '')?.[1]?.replaceAll('\r\n', '')
