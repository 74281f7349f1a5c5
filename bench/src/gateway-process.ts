import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const CARILLON = fileURLToPath(new URL('../../cli/bin/carillon.js', import.meta.url))
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

export interface GatewayProcess {
  readonly url: string
  readonly pid: number
  /** Of its admin, whose browser it could be. */
  readonly cookie: string
  stop(): Promise<void>
}

/** A gateway in a process of its own. */
export async function startGateway(natsUrl: string): Promise<GatewayProcess> {
  const folder = mkdtempSync(join(tmpdir(), 'carillon-bench-'))
  const [first, second] = process.pid % 2 === 0 ? [18_420, 18_421] : [18_421, 18_420]
  const port = (await isFree(first)) ? first : second
  const env = {
    ...process.env,
    CARILLON_NATS_URL: natsUrl,
    CARILLON_STORE_URL: `sqlite:${join(folder, 'gateway.db')}`,
    CARILLON_HTTP_PORT: String(port),
    // What it can do is measured, not what it allows.
    ...{ CARILLON_HTTP_RATE: '100000', CARILLON_HTTP_ANONYMOUS_RATE: '100000', CARILLON_HTTP_CONNECTIONS: '20000' },
  }
  const child: ChildProcess = spawn(process.execPath, [CARILLON, 'gateway'], { env, stdio: ['ignore', 'pipe', 'inherit'] })
  let shown = ''
  child.stdout?.on('data', (text: Buffer) => {
    shown += text
  })
  const url = `http://127.0.0.1:${port}`
  while (!(await isAnswering(url)) || !shown.includes('secret=')) await pause(100)
  return {
    url,
    pid: child.pid as number,
    cookie: await signIn(url, /secret=([\w-]+)/.exec(shown)?.[1]),
    stop: async () => {
      child.kill('SIGTERM')
      await once(child, 'exit')
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

const isFree = (port: number) => isAnswering(`http://127.0.0.1:${port}`).then((answers) => !answers)
const isAnswering = (url: string) =>
  fetch(`${url}/api/v1/session/ways`).then(
    () => true,
    () => false,
  )

async function signIn(url: string, secret: string | undefined): Promise<string> {
  const body = JSON.stringify({ secret, name: 'ada', password: 'correct horse battery' })
  const answered = await fetch(`${url}/api/v1/session/link`, { method: 'POST', headers: { 'content-type': 'application/json' }, body })
  return answered.headers.get('set-cookie')?.split(';')[0] ?? ''
}
